"""Copies by e-mail, against a real SMTP server in this process."""

import asyncio
from collections.abc import AsyncIterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope
from pydantic import ValidationError

from bookai.db.seal.merkle import open_note, split_notes
from bookai.errors import OperatorNeeded, Refused, TryLater
from studio.evidence.base import Setting
from studio.evidence.mail import MailConfig, MailPlace
from tests.peers.tls import server_tls
from tests.studio.evidence.conftest import KEYS, note, own

KNOWN = (b"studio", b"let me in")


class Mailbox:
    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []

    async def handle_DATA(self, _server: object, _session: object, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        self.messages.append(message_from_bytes(content, policy=policy.default))
        return "250 kept"

    async def handle_RCPT(  # the server's own order
        self, _server: object, _session: object, envelope: Envelope, address: str, _options: object
    ) -> str:
        if not address.endswith("@keeper.example"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 ok"


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
async def server(
    mailbox: Mailbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[dict[str, Any]]:
    """A server that insists on TLS and a password; yields the settings that reach it."""
    context, cert_file = server_tls(tmp_path)

    def login(_server: Any, _session: Any, _envelope: Any, _how: Any, data: Any) -> AuthResult:
        return AuthResult(success=(data.login, data.password) == KNOWN, handled=False)

    monkeypatch.setenv("MAIL_PASSWORD", "let me in")
    monkeypatch.setenv("WRONG_PASSWORD", "hunter2")
    listener = await asyncio.get_running_loop().create_server(
        lambda: SMTP(
            mailbox,
            tls_context=context,
            require_starttls=True,
            auth_required=True,
            authenticator=login,
        ),
        "127.0.0.1",
        0,
    )
    port = listener.sockets[0].getsockname()[1]
    async with listener:
        yield {
            "host": "127.0.0.1",
            "port": port,
            "sender": "audit@studio.example",
            "to": "notes@keeper.example",
            "user": "studio",
            "password": {"env": "MAIL_PASSWORD"},
            "ca_file": cert_file,
        }


def place(values: dict[str, Any], setting: Setting, **more: Any) -> MailPlace:
    return MailPlace(MailConfig.model_validate(values | more), setting)


async def test_a_message_carries_a_note_whose_signature_still_holds(
    server: dict[str, Any], mailbox: Mailbox, setting: Setting
) -> None:
    await place(server, setting).push(note(9), own)

    (message,) = mailbox.messages
    (attached,) = message.iter_attachments()
    (found,) = split_notes(attached.get_content().decode())
    assert open_note(found, KEYS.verifier).size == 9
    assert message["Subject"] == "Audit checkpoint over 9 events"


async def test_a_repeat_can_be_told_by_its_message_id(
    server: dict[str, Any], mailbox: Mailbox, setting: Setting
) -> None:
    for size in (9, 9, 10):
        await place(server, setting).push(note(size), own)

    first, again, other = (message["Message-ID"] for message in mailbox.messages)
    assert first == again != other


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"password": {"env": "WRONG_PASSWORD"}}, "refuses user 'studio'"),
        ({"to": "x@nowhere.example"}, "takes no mail from"),
        ({"host": "a..b"}, r"by way of the mail server a\.\.b"),
        ({"ca_file": None}, "no certificate that this machine trusts"),
        ({"password": {"env": "NOT_SET"}}, "NOT_SET holds no secret"),
    ],
)
async def test_what_will_never_work_names_its_mend(
    server: dict[str, Any], setting: Setting, changed: dict[str, Any], words: str
) -> None:
    with pytest.raises(OperatorNeeded, match=words) as caught:
        await place(server, setting, **changed).push(note(9), own)

    assert caught.value.mend


async def test_a_server_that_is_away_is_tried_later(
    server: dict[str, Any], setting: Setting
) -> None:
    with pytest.raises(TryLater):
        await place(server, setting, port=9).push(note(9), own)


async def test_a_mailbox_is_not_read(server: dict[str, Any], setting: Setting) -> None:
    with pytest.raises(Refused, match=r"notes@keeper\.example"):
        await place(server, setting).fetch()


@pytest.mark.parametrize(
    "changed",
    [
        {"security": "none"},
        {"security": "none", "host": "mail.example", "user": None, "password": None},
        {"to": "a@b.example\r\nBcc: c@d.example"},
    ],
)
def test_an_open_line_or_a_smuggled_header_is_refused(
    server: dict[str, Any], setting: Setting, changed: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError):
        place(server, setting, **changed)
