"""Log records as entries of systemd's journal, by its native protocol.

https://systemd.io/JOURNAL_NATIVE_PROTOCOL: one datagram an entry; a value with line ends goes as
its length and its bytes; what is too long for a datagram goes as a sealed memory file.
"""

import array
import errno
import fcntl
import logging
import os
import re
import socket
import struct
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from studio.logs.scrub import Scrubber

SOCKET = Path("/run/systemd/journal/socket")
IDENTIFIER = "bookai"

# What every record has; the rest is what the caller gave as `extra`.
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_FIELD = re.compile(r"[^A-Z0-9_]")
_TOO_LONG = (errno.EMSGSIZE, errno.ENOBUFS)
# Linux's numbers: not every build of Python names them.
_ADD_SEALS, _SEALS = 1033, 0x0001 | 0x0002 | 0x0004 | 0x0008


def goes_to_journal(stream: TextIO, environment: Mapping[str, str] = os.environ) -> bool:
    """Tell whether systemd connected this very stream to its journal."""
    device, _, inode = environment.get("JOURNAL_STREAM", "").partition(":")
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return (device, inode) == (str(found.st_dev), str(found.st_ino))


def priority(level: int) -> int:
    """Return syslog's number for a level of ours; the lower, the worse."""
    for least, number in ((50, 2), (40, 3), (30, 4), (20, 6)):
        if level >= least:
            return number
    return 7


class JournalHandler(logging.Handler):
    """Writes each record with its level, its place and its `extra`, without secrets.

    `extra={"action": …, "job_id": …}` becomes the fields BOOKAI_ACTION and BOOKAI_JOB_ID, so that
    `journalctl BOOKAI_JOB_ID=7` shows one job. Without the journal's socket the line goes to
    `stream` with its level in front, which systemd understands as well.
    """

    def __init__(self, scrubber: Scrubber, stream: TextIO, path: Path = SOCKET) -> None:
        super().__init__()
        self._scrubber = scrubber
        self._stream = stream
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)

    def emit(self, record: logging.LogRecord) -> None:
        """Write one entry."""
        fields = self._fields(record)
        try:
            self._send(b"".join(encode(name, value) for name, value in fields.items()))
        except OSError:
            self._print(fields)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
        super().close()

    def _fields(self, record: logging.LogRecord) -> dict[str, str]:
        message = _message(record)
        if record.exc_info and record.exc_info[0]:
            message += "\n" + "".join(traceback.format_exception(*record.exc_info)).rstrip()
        fields = {
            "MESSAGE": message,
            "PRIORITY": str(priority(record.levelno)),
            "SYSLOG_IDENTIFIER": IDENTIFIER,
            "SYSLOG_PID": str(record.process),
            "BOOKAI_LOGGER": record.name,
            "CODE_FILE": record.pathname,
            "CODE_LINE": str(record.lineno),
            "CODE_FUNC": record.funcName,
        }
        for name, value in vars(record).items():
            if name not in _OWN and isinstance(value, str | int | float):
                fields["BOOKAI_" + _FIELD.sub("_", name.upper())[:50]] = str(value)
        hidden = {name: self._scrubber.scrub(value) for name, value in fields.items()}
        return {
            name: value[:1000] if name.startswith("BOOKAI_") else value
            for name, value in hidden.items()
        }

    def _send(self, entry: bytes) -> None:
        try:
            self._socket.sendto(entry, str(self._path))
        except OSError as error:
            if error.errno not in _TOO_LONG:
                raise
            self._send_as_file(entry)

    def _send_as_file(self, entry: bytes) -> None:
        handle = os.memfd_create("bookai-log", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.write(handle, entry)
            fcntl.fcntl(handle, _ADD_SEALS, _SEALS)
            lent = array.array("i", [handle])
            self._socket.sendmsg(
                [], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, lent)], 0, str(self._path)
            )
        finally:
            os.close(handle)

    def _print(self, fields: Mapping[str, str]) -> None:
        mark = f"<{fields['PRIORITY']}>"
        said = f"{fields['BOOKAI_LOGGER']}: {fields['MESSAGE']}".splitlines()
        self._stream.write("".join(f"{mark}{line}\n" for line in said))
        self._stream.flush()


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):
        # A line with the wrong arguments is a defect of ours, and no reason to end the work.
        return f"{record.msg} {record.args!r}"


def encode(name: str, value: str) -> bytes:
    """Return one field of an entry."""
    raw = value.encode(errors="replace")
    if "\n" not in value:
        return name.encode() + b"=" + raw + b"\n"
    return name.encode() + b"\n" + struct.pack("<Q", len(raw)) + raw + b"\n"
