"""How people are told: `[notify]` of the worker's settings."""

from pathlib import Path

import pytest

from cloud.settings import CloudSettings
from cloud.watch.alarms.alarm import ChannelName
from cloud.watch.alarms.channels.opening import open_channels
from cloud.watch.alarms.settings import NotifySettings
from core import settings
from core.errors import ConfigError, NotConnected

TOML = """
folder = "./data"
territory = "./territory"
[notify.smtp]
host = "mail.example.org"
sender = "beffroi <beffroi@example.org>"
username = "beffroi"
"""


def load(folder: Path, text: str) -> CloudSettings:
    path = folder / "cloud.toml"
    path.write_text(text)
    return settings.load(CloudSettings, path)


def test_a_mail_server_is_encrypted_and_its_password_masked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the environment, or from a file of its own; `check` shows neither."""
    monkeypatch.setenv("BEFFROI_CLOUD__NOTIFY__SMTP__PASSWORD", "hush")
    loaded = load(tmp_path, TOML)
    smtp = loaded.notify.smtp
    assert smtp is not None
    assert (smtp.port, smtp.security, smtp.domain, smtp.read_password()) == (587, "starttls", "example.org", "hush")
    shown = {line.key: line for line in settings.describe(loaded, tmp_path / "cloud.toml")}
    assert "hush" not in "".join(line.value for line in shown.values())
    assert shown["notify.smtp.password"].origin == "BEFFROI_CLOUD__NOTIFY__SMTP__PASSWORD"
    monkeypatch.delenv("BEFFROI_CLOUD__NOTIFY__SMTP__PASSWORD")
    (tmp_path / "password").write_text("from the file\nnot this\n")
    smtp = load(tmp_path, TOML + 'password_file = "./password"\n').notify.smtp
    assert smtp is not None
    assert smtp.read_password() == "from the file"
    for unfit in ("", "\n", "é\n"):
        (tmp_path / "password").write_text(unfit)
        with pytest.raises(NotConnected, match=r"no password|cannot"):
            smtp.read_password()
    (tmp_path / "password").unlink()
    with pytest.raises(NotConnected, match="cannot read"):
        smtp.read_password()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('security = "none"', "not this machine"),
        ('security = "ssl"', "starttls"),
        ('password = "a"\npassword_file = "b"', "not both"),
        ('password = "é"', "ASCII"),
        ("port = 0", "port"),
        ("timeout_s = 0", "timeout_s"),
        ('from = "x@y.fr"', "no such key"),
    ],
)
def test_what_would_be_open_or_unclear_is_refused(tmp_path: Path, line: str, says: str) -> None:
    """At the start, in one sentence."""
    with pytest.raises(ConfigError, match=says):
        load(tmp_path, TOML + line + "\n")


@pytest.mark.parametrize("sender", ["beffroi", "beffroi@localhost", "", "a@b.fr\nBcc: c@d.fr"])
def test_a_sender_is_an_address(sender: str) -> None:
    """Servers refuse mail from anything else."""
    with pytest.raises(ValueError, match="no address to send from"):
        NotifySettings.model_validate({"smtp": {"host": "localhost", "sender": sender}})


def test_nothing_leaves_that_the_settings_do_not_name(tmp_path: Path) -> None:
    """Whatever addresses the territory declares; a secrets file that cannot be read stops the start."""
    assert open_channels(NotifySettings()) == {}
    hooks = load(tmp_path, TOML.split("[notify.smtp]")[0] + "[notify.webhook]\n").notify
    assert set(open_channels(hooks)) == {ChannelName.WEBHOOK}
    assert set(open_channels(load(tmp_path, TOML + "[notify.webhook]\n").notify)) == set(ChannelName)
    with pytest.raises(ConfigError, match="there is no file"):
        open_channels(NotifySettings.model_validate({"webhook": {"secrets": tmp_path / "none.toml"}}))
