"""Which of several workers on one remote store watches: whoever is connected to their broker as `beffroi-watch`.

A broker lets one client of an id be connected; a second one would throw the first out, and both would do so for ever.
So nobody takes the id while another has it, and the loser of a race does not fight back:

- The holder says its name in a retained message, again every few seconds, and hears from the broker that it arrived.
  While that is so it holds. When it vanishes the broker says its will for it: an empty message, nobody holds.
- The others listen. Nobody's: one takes the id. Two at once: the broker throws the first out, who then waits.
- A name that is not said again for a minute is a holder that hangs, or one whose broker died with it: the next takes
  the id from it. It has not held for long by then: it holds only while the broker confirmed it a moment ago.
"""

from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Final

from core import log, topics
from core.errors import NotConnected
from core.ports.mqtt import Arrived, Connected, Disconnected, LinkEvent, MqttLink, Published, Will
from core.settings import BrokerSettings

_log = log.get(__name__)
CLIENT_ID: Final = "beffroi-watch"
_KEEPALIVE_S: Final = 15  # at most: the broker misses a holder that lost its line after 1.5 times as long


class MqttClaim:
    """Used by one thread; its links have threads of their own.

    Args:
        name: of this worker; no two workers share one.
        say_s: between two words of the holder.
        fresh_s: how long one that the broker confirmed counts.
        free_s: how long nobody must have held before one takes it; more than `say_s`, in case a will comes late.
        stale_s: after so long a holder that says nothing is none; more than `fresh_s` and a pass.
        shy_s: how long the loser of a race waits.
    """

    def __init__(
        self,
        broker: BrokerSettings,
        name: str,
        *,
        say_s: float = 5.0,
        fresh_s: float = 20.0,
        free_s: float = 8.0,
        stale_s: float = 60.0,
        shy_s: float = 30.0,
        new_link: Callable[..., MqttLink] = MqttLink,
    ) -> None:
        self._broker = broker.model_copy(update={"keepalive_s": min(broker.keepalive_s, _KEEPALIVE_S)})
        self._name = name
        self._say_ms, self._fresh_ms, self._free_ms = say_s * 1000, fresh_s * 1000, free_s * 1000
        self._stale_ms, self._shy_ms = stale_s * 1000, shy_s * 1000
        self._new_link = new_link
        self._heard: SimpleQueue[LinkEvent] = SimpleQueue()
        self._answered: SimpleQueue[LinkEvent] = SimpleQueue()
        self._ear: MqttLink | None = None
        self._listens = False
        self._named = ""  # who holds, as the others hear it
        self._named_ms = 0  # when that was said last, or when nobody began to hold
        self._seat: MqttLink | None = None  # the connection of the holder's id
        self._said: dict[Published, int] = {}
        self._said_ms: int | None = None
        self._confirmed_ms: int | None = None  # when the last word was said that the broker took
        self._taken_ms = 0
        self._shy_until_ms = 0
        self._held = False
        self._term = 0

    @property
    def term(self) -> int:
        """Another number each time that it is taken: in between another may have held."""
        return self._term

    @property
    def holder(self) -> str:
        """Who holds, as far as is known."""
        return self._name if self._held else self._named

    def is_held(self, mono_ms: int) -> bool:
        """Take note of what was heard, do what is to be done, and say whether this worker holds."""
        if self._ear is None:
            self._ear = self._new_link(
                self._broker,
                client_id=f"{CLIENT_ID}-{self._name}",
                keep_session=False,
                subscriptions=[topics.WATCH],
                on_event=self._heard.put,
            )
            self._ear.start()
        self._listen(self._ear, mono_ms)
        if self._seat is None:
            if self._is_free(mono_ms):
                self._take(mono_ms)
        else:
            self._sit(self._seat, mono_ms)
        held = (
            self._seat is not None
            and self._confirmed_ms is not None
            and mono_ms - self._confirmed_ms < self._fresh_ms
            and mono_ms - self._taken_ms >= self._say_ms / 2  # two at once: by now the first was thrown out
        )
        if held != self._held:
            self._held = held
            _log.info("watch.taken" if held else "watch.lost", name=self._name)
        return held

    def release(self) -> None:
        """Give it up: the next may take it at once."""
        if self._seat is not None:
            if self._seat.connected:
                self._say(self._seat, b"", 0)
            self._leave()
        if self._ear is not None:
            self._ear.stop()
            self._ear = None

    def _listen(self, ear: MqttLink, mono_ms: int) -> None:
        for event in _all(self._heard):
            match event:
                case Connected():
                    self._listens, self._named, self._named_ms = True, "", mono_ms
                case Disconnected():
                    self._listens = False
                case Arrived(payload=payload):
                    ear.ack(event)
                    self._named, self._named_ms = payload.decode("utf-8", "replace"), mono_ms
                case Published():
                    pass

    def _is_free(self, mono_ms: int) -> bool:
        """Whether nobody holds, or one that says nothing any more; a word of ours is that of a run before this one."""
        if not self._listens or mono_ms < self._shy_until_ms:
            return False
        is_nobodys = self._named in ("", self._name)
        return mono_ms - self._named_ms >= (self._free_ms if is_nobodys else self._stale_ms)

    def _take(self, mono_ms: int) -> None:
        self._answered = SimpleQueue()
        self._said, self._said_ms, self._confirmed_ms = {}, None, None
        self._seat = self._new_link(
            self._broker,
            client_id=CLIENT_ID,
            keep_session=False,
            subscriptions=[],
            on_event=self._answered.put,
            will=Will(topics.WATCH, b""),
            retry_s=3600.0,  # it is thrown out because another has it: never by itself again
        )
        self._seat.start()
        self._taken_ms = mono_ms
        self._term += 1

    def _sit(self, seat: MqttLink, mono_ms: int) -> None:
        """Hear whether the broker took what was said, and say it again."""
        for event in _all(self._answered):
            match event:
                case Disconnected():
                    self._leave()
                    self._shy_until_ms = mono_ms + int(self._shy_ms)
                    return
                case Published() if (said_ms := self._said.pop(event, None)) is not None:
                    self._confirmed_ms = said_ms
                case _:
                    pass
        if seat.connected and (self._said_ms is None or mono_ms - self._said_ms >= self._say_ms):
            self._say(seat, self._name.encode(), mono_ms)

    def _say(self, seat: MqttLink, word: bytes, mono_ms: int) -> None:
        try:
            self._said[seat.publish(topics.WATCH, word, retain=True)] = mono_ms
        except NotConnected:
            return  # what ended the connection is in the queue
        self._said_ms = mono_ms

    def _leave(self) -> None:
        if self._seat is not None:
            self._seat.stop()
            self._seat = None


def _all(queue: SimpleQueue[LinkEvent]) -> list[LinkEvent]:
    found = []
    while True:
        try:
            found.append(queue.get_nowait())
        except Empty:
            return found
