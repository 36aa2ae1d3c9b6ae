"""The channels that the settings name."""

from collections.abc import Mapping

from cloud.watch.alarms.alarm import ChannelName
from cloud.watch.alarms.channels.email import EmailChannel
from cloud.watch.alarms.channels.webhook import WebhookChannel
from cloud.watch.alarms.messages import Channel
from cloud.watch.alarms.settings import NotifySettings
from core.errors import ConfigError, NotConnected
from core.secrets import WEBHOOK_SIGN, load_secrets


def open_channels(settings: NotifySettings) -> dict[ChannelName, Channel]:
    """E-mail where there is a server for it; webhooks always.

    Raises:
        ConfigError: `secrets.…`: the file of the settings cannot be read.
    """

    def signs() -> Mapping[str, str]:
        """Read at each message: another secret needs no restart. What went wrong since the start may pass."""
        if settings.secrets is None:
            return {}
        try:
            return load_secrets(settings.secrets).table(WEBHOOK_SIGN)
        except ConfigError as error:
            raise NotConnected(error.code, error.message, hint=error.hint) from error

    if settings.secrets is not None:
        load_secrets(settings.secrets)
    channels: dict[ChannelName, Channel] = {
        ChannelName.WEBHOOK: WebhookChannel(secrets=signs, timeout_s=settings.webhook_timeout_s)
    }
    if settings.smtp is not None:
        channels[ChannelName.EMAIL] = EmailChannel(settings.smtp)
    return channels
