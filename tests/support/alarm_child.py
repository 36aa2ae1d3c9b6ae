"""A process with an alarm desk and a webhook that goes on until it is killed: python -m … FOLDER URL START_MS.

Time is its own: twenty minutes a turn from START_MS on. One more lamp flickers every turn, and none ever stops.
"""

import sys
from pathlib import Path

from cloud.watch.alarms.alarm import ChannelName
from cloud.watch.alarms.channels.webhook import WebhookChannel
from cloud.watch.alarms.desk import AlarmDesk
from cloud.watch.model import Finding, FindingKey
from core import log
from core.territory import Contact, Territory
from tests.support.alarm_scene import ALL, MINUTE_MS, NOON_MS, by_key, finding, scene

TURN_MS = 20 * MINUTE_MS


def open_desk(folder: Path) -> AlarmDesk:
    channels = {ChannelName.WEBHOOK: WebhookChannel(secrets=dict, timeout_s=10)}
    return AlarmDesk.open(folder, channels=channels, linger_s=0, expire_h=24 * 30)


def territory(url: str) -> Territory:
    return scene(Contact("Mairie", webhook=url, severities=ALL))


def flickering(now_ms: int) -> dict[FindingKey, Finding]:
    return by_key(finding(f"lamp-{n}", "light.flicker") for n in range((now_ms - NOON_MS) // TURN_MS))


def main(folder: Path, url: str, now_ms: int) -> None:
    here, desk = territory(url), open_desk(folder)
    while True:
        now_ms += TURN_MS
        desk.written(desk.look(flickering(now_ms), here, now_ms))
        desk.deliver(now_ms)


if __name__ == "__main__":
    log.configure(level="ERROR", service="test")
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
