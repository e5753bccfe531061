"""E-mail: the newest signed checkpoint to a mailbox that somebody else keeps.

One message an interval of five minutes or more. It holds one note: that covers all before it.
"""

import asyncio
import hashlib
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from bookai.db.seal.exports import SignedNote
from bookai.errors import OperatorNeeded, Refused, TryLater
from studio.evidence.base import LOOPBACK, Kind, Own, Place, PlaceConfig, Secret, Setting

SHORTEST_S = 300.0

_ADDRESS = r"^[^@\s<>,;:]{1,100}@[A-Za-z0-9.-]{1,200}$"
_TEXT = """\
This is a signed checkpoint of a BookAI Studio's audit log. Keep the message: whoever has it can
show later that nothing up to here was changed, whatever happens to the studio's database.

It covers {size} events, and by that every checkpoint before it. To compare, save the attached file
and run: bookai audit verify --against {name}
"""


class MailConfig(PlaceConfig):
    """The mail server. `security` "none" is for a relay on this machine alone."""

    host: str = Field(min_length=1, max_length=253)
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    sender: str = Field(pattern=_ADDRESS)
    to: str = Field(pattern=_ADDRESS)
    user: str | None = Field(default=None, max_length=200)
    password: Secret | None = None
    ca_file: Path | None = None

    @model_validator(mode="after")
    def _no_open_line(self) -> "MailConfig":
        if self.security == "none" and (self.host not in LOOPBACK or self.password):
            raise ValueError('security = "none" is for a relay on 127.0.0.1 without a password')
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password go together")
        return self


@dataclass(frozen=True, slots=True)
class MailPlace(Place):
    """One mailbox."""

    config: MailConfig
    setting: Setting

    async def push(self, note: SignedNote, own: Own) -> None:
        """Send the note; a repeat has the same Message-ID, so that a reader can tell."""
        del own  # a mailbox is read by whoever keeps it
        message = self._message(note)
        try:
            await asyncio.to_thread(self._send, message)
        except smtplib.SMTPAuthenticationError as error:
            raise OperatorNeeded(
                f"{self._where} refuses user {self.config.user!r} ({error.smtp_code}).",
                mend="Correct user and password.",
            ) from error
        except ssl.SSLError as error:
            raise OperatorNeeded(
                f"{self._where} has no certificate that this machine trusts ({error.reason}).",
                mend="Set ca_file to its authority's certificate, or correct host.",
            ) from error
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused) as error:
            raise OperatorNeeded(
                f"{self._where} takes no mail from {self.config.sender} to {self.config.to}.",
                mend="Correct sender and to.",
            ) from error
        except ValueError as error:  # a UnicodeError, when a name has an empty part
            raise OperatorNeeded(
                f"mail cannot be sent by way of {self._where} ({type(error).__name__}).",
                mend="Correct host, sender and to.",
            ) from error
        except (smtplib.SMTPException, OSError) as error:
            raise TryLater(
                f"{self._where} took no mail ({type(error).__name__}: {error})."[:600]
            ) from error

    async def fetch(self) -> str:
        """Refuse: a mailbox is read by whoever keeps it."""
        raise Refused(
            f"mail to {self.config.to} cannot be fetched from here: save a message there and run "
            "`bookai audit verify --against FILE`."
        )

    def _message(self, note: SignedNote) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self.config.sender
        message["To"] = self.config.to
        message["Subject"] = f"Audit checkpoint over {note.tree_size} events"
        message["Date"] = note.at
        digest = hashlib.sha256(note.note.encode()).hexdigest()[:32]
        message["Message-ID"] = f"<{digest}@{self.config.sender.partition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        name = f"checkpoint-{note.tree_size}.notes"
        message.set_content(_TEXT.format(size=note.tree_size, name=name))
        # As bytes: a mail server may change the line ends of a text, and with it what was signed.
        message.add_attachment(
            note.note.encode(), maintype="application", subtype="octet-stream", filename=name
        )
        return message

    def _send(self, message: EmailMessage) -> None:
        config = self.config
        # A thread cannot be cancelled: its own limit must end it soon after ours.
        limit_s = min(20.0, self.setting.timeout_s)
        context = ssl.create_default_context(cafile=config.ca_file)
        if config.security == "tls":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                config.host, config.port, timeout=limit_s, context=context
            )
        else:
            smtp = smtplib.SMTP(config.host, config.port, timeout=limit_s)
        with smtp:
            if config.security == "starttls":
                smtp.starttls(context=context)
            if config.user and config.password:
                smtp.login(config.user, config.password.read())
            smtp.send_message(message)

    @property
    def _where(self) -> str:
        return f"the mail server {self.config.host}:{self.config.port}"


KIND = Kind("mail", MailConfig, MailPlace, shortest_s=SHORTEST_S)
