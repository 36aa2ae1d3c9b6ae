"""How many messages may be on the road, and how soon one is sent again. Pure; times are monotonic ms."""

WINDOW_START = 32
WINDOW_MAX = 512
WINDOW_MIN = 8
RESEND_FIRST_MS = 60_000
RESEND_MAX_MS = 900_000
MUTE_GAP_MS = 30_000  # between two resends while the cloud answers nothing at all
RESENDS_PER_ANSWER = 8
RETRY_MS = 900_000
FUTILE_RETRIES = 8


class Window:
    """Messages allowed without receipt: grows while receipts come, halves when one is overdue.

    The last places are kept: an eighth for urgent messages, another eighth for live ones before the backlog.
    """

    def __init__(self) -> None:
        self.size = WINDOW_START
        self._halved_ms: int | None = None

    @property
    def reserve(self) -> int:
        return max(2, self.size // 8)

    def grow(self, in_use: int) -> None:
        """A receipt came while `in_use` places were taken; a window that is not used does not grow."""
        if in_use * 2 >= self.size:
            self.size = min(WINDOW_MAX, self.size + 1)

    def shrink(self, now_ms: int) -> None:
        """A receipt is overdue; many of one moment count once."""
        if self._halved_ms is None or now_ms - self._halved_ms >= RESEND_FIRST_MS:
            self._halved_ms = now_ms
            self.size = max(WINDOW_MIN, self.size // 2)

    def restart(self) -> None:
        """The connection is gone: begin again small, so that a reconnect does not send everything at once."""
        self.size = min(self.size, WINDOW_START)


class Resends:
    """When a message without receipt is due again: max(60 s, 4 × the usual receipt time) after its PUBACK, doubling.

    What is due still waits for its turn: a few resends for each answer of the cloud, and while it is mute (the store
    is down, its worker stopped) one every 30 s, so that the broker's memory stays flat however long that lasts.
    """

    def __init__(self) -> None:
        self._usual_ms = 0.0
        self._credit = RESENDS_PER_ANSWER
        self._next_ms = 0  # without credit

    def learn(self, took_ms: int) -> None:
        """A receipt came `took_ms` after the first PUBACK of its message."""
        self._usual_ms += (took_ms - self._usual_ms) / 8

    def interval_ms(self, attempts: int) -> int:
        """The wait after the PUBACK of a message that was sent again `attempts` times."""
        first = max(RESEND_FIRST_MS, int(4 * self._usual_ms))
        return int(min(first << min(attempts, 16), RESEND_MAX_MS))

    def turn_ms(self, now_ms: int) -> int:
        """The earliest time at which a message that is due may go."""
        return now_ms if self._credit else self._next_ms

    def spend(self, now_ms: int) -> None:
        """One was sent again."""
        self._credit = max(0, self._credit - 1)
        if not self._credit:
            self._next_ms = now_ms + MUTE_GAP_MS

    def earn(self) -> None:
        """The cloud answered something."""
        self._credit = RESENDS_PER_ANSWER


class Retries:
    """When rows that the cloud deferred are tried again: in rounds, every 15 min, two messages at a time.

    A round goes on while the cloud keeps some of them, and is over when it refuses eight messages in a row.
    """

    def __init__(self) -> None:
        self.open = False
        self.next_ms: int | None = None
        self._futile = 0

    def begin(self, now_ms: int) -> bool:
        """True when a round begins now."""
        if self.open or self.next_ms is None or now_ms < self.next_ms:
            return False
        self.open, self.next_ms, self._futile = True, None, 0
        return True

    def end(self, now_ms: int, *, more: bool) -> None:
        """Nothing is left to try in this round; `more` rows wait for the next."""
        self.open = False
        if more and self.next_ms is None:
            self.next_ms = now_ms + RETRY_MS

    def tried(self, now_ms: int, *, kept_some: bool) -> None:
        """A message of this round was answered, or its answer is overdue."""
        self._futile = 0 if kept_some else self._futile + 1
        if self.open and self._futile >= FUTILE_RETRIES:
            self.open, self.next_ms = False, now_ms + RETRY_MS
