"""The channels that the settings name."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from cloud.watch.alarms.alarm import ChannelName
from cloud.watch.alarms.channels.email import EmailChannel
from cloud.watch.alarms.channels.webhook import WebhookChannel
from cloud.watch.alarms.messages import Channel
from cloud.watch.alarms.settings import NotifySettings
from core.errors import ConfigError, NotConnected
from core.secrets import WEBHOOK_SIGN, load_secrets


def open_channels(settings: NotifySettings) -> dict[ChannelName, Channel]:
    """Those that have a table of their own in the settings.

    Raises:
        ConfigError: `secrets.…`: the secrets file cannot be read.
    """
    channels: dict[ChannelName, Channel] = {}
    if settings.smtp is not None:
        channels[ChannelName.EMAIL] = EmailChannel(settings.smtp)
    if settings.webhook is not None:
        if settings.webhook.secrets is not None:
            load_secrets(settings.webhook.secrets)
        channels[ChannelName.WEBHOOK] = WebhookChannel(
            secrets=partial(_signs, settings.webhook.secrets), timeout_s=settings.webhook.timeout_s
        )
    return channels


def _signs(path: Path | None) -> Mapping[str, str]:
    """Read at each message: another secret needs no restart. What went wrong since the start may pass."""
    if path is None:
        return {}
    try:
        return load_secrets(path).table(WEBHOOK_SIGN)
    except ConfigError as error:
        raise NotConnected(error.code, error.message, hint=error.hint) from error
