"""Copies in another host's journal: systemd's own receiver where it is installed."""

import asyncio
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from pydantic import ValidationError

from bookai.db.seal.merkle import open_note, split_notes
from bookai.errors import OperatorNeeded, Refused, TryLater
from studio.evidence.base import Setting
from studio.evidence.journal import EXPORT, JournalConfig, JournalPlace, as_entry
from tests.peers.web_server import Page, WebServer
from tests.studio.evidence.conftest import KEYS, note, own

RECEIVERS = ("/lib/systemd/systemd-journal-remote", "/usr/lib/systemd/systemd-journal-remote")
RECEIVER = next((path for path in RECEIVERS if Path(path).exists()), None)
HAND_OVER = ("sh", "-c", 'LISTEN_PID=$$ exec "$@" 3<&0', "sh")
READER = shutil.which("journalctl")


def test_an_entry_is_the_export_format_with_the_note_by_length() -> None:
    entry = as_entry(note(9))

    head, _, rest = entry.partition(b"MESSAGE\n")
    size = int.from_bytes(rest[:8], "little")
    assert rest[8 : 8 + size].decode() == note(9).note
    assert rest[8 + size :] == b"\n\n"
    assert re.fullmatch(rb"(_{0,2}[A-Z][A-Z0-9_]*=[^\n]+\n)+", head)


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """systemd-journal-remote on a port of its own; yields its URL and the file it writes."""
    if RECEIVER is None or READER is None:
        pytest.skip("systemd-journal-remote is not installed")
    journal = tmp_path / "remote.journal"
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with closing(listener):
        # Its socket comes as systemd would hand it over: descriptor 3, named by LISTEN_FDS.
        process = subprocess.Popen(
            [*HAND_OVER, RECEIVER, "--listen-http=-3", f"--output={journal}", "--split-mode=none"],
            env={"LISTEN_FDS": "1", "PATH": "/usr/bin:/bin"},
            stdin=listener.fileno(),
            stderr=subprocess.PIPE,
        )
        try:
            yield url, journal
        finally:
            process.terminate()
            process.communicate(timeout=20)


def read_journal(journal: Path) -> str:
    return subprocess.run(
        [READER or "", f"--file={journal}", "SYSLOG_IDENTIFIER=bookai-audit", "-o", "cat"],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    ).stdout


@pytest.mark.peer
async def test_the_notes_can_be_read_on_the_other_host(
    receiver: tuple[str, Path], setting: Setting
) -> None:
    url, journal = receiver
    place = JournalPlace(JournalConfig(url=url), setting)

    for size in (9, 10):
        await place.push(note(size), own)

    read = await asyncio.to_thread(read_journal, journal)
    found = list(split_notes(read))
    assert [open_note(one, KEYS.verifier).size for one in found] == [9, 10]


@pytest.mark.parametrize(
    ("status", "error"), [(403, OperatorNeeded), (415, OperatorNeeded), (503, TryLater)]
)
async def test_a_refusal_is_told_from_a_bad_moment(
    setting: Setting, status: int, error: type[Exception]
) -> None:
    async with WebServer() as web:
        web.pages["/upload"] = Page(b"no", status=status)
        place = JournalPlace(JournalConfig(url=web.url("")), setting)

        with pytest.raises(error, match=str(status)):
            await place.push(note(9), own)

    assert [seen.headers["content-type"] for seen in web.seen] == [EXPORT]


async def test_a_host_that_is_away_is_tried_later(setting: Setting) -> None:
    with pytest.raises(TryLater):
        await JournalPlace(JournalConfig(url="http://127.0.0.1:9"), setting).push(note(9), own)


async def test_a_journal_is_read_on_its_own_host(setting: Setting) -> None:
    with pytest.raises(Refused, match="journalctl"):
        await JournalPlace(JournalConfig(url="http://127.0.0.1:9"), setting).fetch()


async def test_an_address_that_is_none_names_its_mend(setting: Setting) -> None:
    place = JournalPlace(JournalConfig(url="https://logs\x7f.example"), setting)

    with pytest.raises(OperatorNeeded, match="is no address"):
        await place.push(note(9), own)


@pytest.mark.parametrize(
    "url", ["http://logs.example:19532", "http://[::1", "https://logs.example:99999"]
)
def test_an_open_line_or_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        JournalConfig(url=url)
