"""Another host's journal: what systemd-journal-remote takes, one entry a checkpoint.

The entry carries the whole note, so that on the other host
`journalctl -D /var/log/journal/remote SYSLOG_IDENTIFIER=bookai-audit -o cat` prints a file of
notes.
"""

import ssl
import struct
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from pydantic import Field, model_validator

from bookai.db.seal.exports import SignedNote
from bookai.errors import OperatorNeeded, Refused, TryLater
from studio.evidence.base import LOOPBACK, Kind, Own, Place, PlaceConfig, Setting

IDENTIFIER = "bookai-audit"
EXPORT = "application/vnd.fdo.journal"

_BOOT_ID = "b00ca1" + "0" * 26
"""The format asks for the boot that an entry is of; a checkpoint belongs to none."""


class JournalConfig(PlaceConfig):
    """The other host's systemd-journal-remote, with our certificate when it asks for one."""

    url: str = Field(pattern=r"^https?://[^\s/@]+$", max_length=500)
    certificate_file: Path | None = None
    key_file: Path | None = None
    ca_file: Path | None = None

    @model_validator(mode="after")
    def _pair(self) -> "JournalConfig":
        parts = urlsplit(self.url)
        if not parts.hostname or parts.port == 0:  # a ValueError where it is no number
            raise ValueError("url is https://host or https://host:port")
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise ValueError("write it as https://…: plain http is for a receiver on 127.0.0.1")
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("certificate_file and key_file go together")
        return self


@dataclass(frozen=True, slots=True)
class JournalPlace(Place):
    """One journal on another host."""

    config: JournalConfig
    setting: Setting

    async def push(self, note: SignedNote, own: Own) -> None:
        """Add an entry; a repeat is a second entry with the same note, which proves the same."""
        del own  # a journal cannot be read from here
        url = f"{self.config.url}/upload"
        try:
            async with httpx.AsyncClient(verify=self._context(), trust_env=False) as client:
                answer = await client.post(
                    url,
                    content=as_entry(note),
                    headers={"Content-Type": EXPORT},
                    timeout=self.setting.timeout_s,
                )
        except (httpx.InvalidURL, ValueError) as error:
            raise OperatorNeeded(f"{url} is no address ({error}).", mend="Correct url.") from error
        except httpx.HTTPError as error:
            raise TryLater(f"{url} did not answer ({type(error).__name__}).") from error
        if answer.status_code in (401, 403, 404, 413, 415):
            raise OperatorNeeded(
                f"{url} refuses journal entries ({answer.status_code}).",
                mend="Look at systemd-journal-remote on that host: listening, and our certificate.",
            )
        if answer.is_error or answer.is_redirect:
            raise TryLater(f"{url} answered {answer.status_code}.")

    async def fetch(self) -> str:
        """Refuse: a journal is read on its own host."""
        raise Refused(
            f"{self.config.url} takes entries and gives none. On that host run: journalctl "
            f"-D /var/log/journal/remote SYSLOG_IDENTIFIER={IDENTIFIER} -o cat"
        )

    def _context(self) -> ssl.SSLContext:
        config = self.config
        try:
            context = ssl.create_default_context(cafile=config.ca_file)
            if config.certificate_file:
                context.load_cert_chain(config.certificate_file, config.key_file)
        except (OSError, ssl.SSLError) as error:
            raise OperatorNeeded(
                f"the certificates for {config.url} cannot be read ({error}).",
                mend="Correct certificate_file, key_file and ca_file.",
            ) from error
        return context


def as_entry(note: SignedNote) -> bytes:
    """Return the note as one entry of the journal export format.

    A value with line ends goes as its length, little-endian, and its bytes.
    """
    micros = int(note.at.timestamp() * 1_000_000)
    head = (
        f"__REALTIME_TIMESTAMP={micros}\n__MONOTONIC_TIMESTAMP={note.tree_size}\n"
        f"_BOOT_ID={_BOOT_ID}\nPRIORITY=5\nSYSLOG_IDENTIFIER={IDENTIFIER}\n"
        f"BOOKAI_TREE_SIZE={note.tree_size}\n"
    )
    text = note.note.encode()
    return head.encode() + b"MESSAGE\n" + struct.pack("<Q", len(text)) + text + b"\n\n"


KIND = Kind("journal", JournalConfig, JournalPlace)
