"""Log lines: structured for the journal, plain elsewhere, and without secrets everywhere."""

import array
import io
import logging
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.logs import JournalHandler, Scrubber, goes_to_journal, open_logs

PASSWORD = "hunter2-hunter2"
DSN = f"postgresql://studio:{PASSWORD}@db/bookai"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "j"))
        listener.settimeout(5)
        yield listener


@pytest.fixture
def logger(tmp_path: Path, journal: socket.socket) -> Iterator[logging.Logger]:
    handler = JournalHandler(Scrubber.of({"BOOKAI_DSN": DSN}), io.StringIO(), tmp_path / "j")
    found = logging.Logger("studio.there")
    found.addHandler(handler)
    yield found
    handler.close()


def fields(entry: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    while entry:
        name, _, rest = entry.partition(b"\n")
        if b"=" in name:
            key, _, value = name.partition(b"=")
            entry = rest
        else:
            key, length = name, int.from_bytes(rest[:8], "little")
            value, entry = rest[8 : 8 + length], rest[9 + length :]
        found[key.decode()] = value.decode()
    return found


def test_an_entry_has_the_level_the_action_and_the_job(
    logger: logging.Logger, journal: socket.socket
) -> None:
    logger.warning("Job %s waits", 7, extra={"action": "job_waits", "job_id": 7, "odd": object()})

    found = fields(journal.recv(65536))
    assert found["MESSAGE"] == "Job 7 waits"
    assert found["PRIORITY"] == "4"
    assert found["BOOKAI_ACTION"] == "job_waits"
    assert found["BOOKAI_JOB_ID"] == "7"
    assert found["BOOKAI_LOGGER"] == "studio.there"
    assert found["SYSLOG_IDENTIFIER"] == "bookai"
    assert "BOOKAI_ODD" not in found


def test_a_title_with_line_ends_makes_no_field_of_its_own(
    logger: logging.Logger, journal: socket.socket
) -> None:
    logger.info("Made %s", "a\nPRIORITY=0\nMESSAGE=all is lost")

    found = fields(journal.recv(65536))
    assert found["MESSAGE"] == "Made a\nPRIORITY=0\nMESSAGE=all is lost"
    assert found["PRIORITY"] == "6"


def test_a_line_with_the_wrong_arguments_is_still_logged(
    logger: logging.Logger, journal: socket.socket
) -> None:
    logger.error("Made %d of %d", "one")

    assert fields(journal.recv(65536))["MESSAGE"] == "Made %d of %d ('one',)"


def test_a_traceback_is_in_the_entry_without_the_password(
    logger: logging.Logger, journal: socket.socket
) -> None:
    try:
        raise ValueError(f"cannot reach {DSN}")
    except ValueError:
        logger.exception("A tick failed")

    said = fields(journal.recv(65536))["MESSAGE"]
    assert "ValueError: cannot reach postgresql://studio:[hidden]@db/bookai" in said
    assert PASSWORD not in said


def test_an_entry_too_long_for_a_datagram_goes_as_a_file(
    tmp_path: Path, logger: logging.Logger, journal: socket.socket
) -> None:
    handler = logger.handlers[0]
    assert isinstance(handler, JournalHandler)
    handler._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)

    logger.error("x" * 8000)

    said, lent, _, _ = journal.recvmsg(65536, socket.CMSG_SPACE(4))
    assert said == b""
    handles = array.array("i", lent[0][2])
    with os.fdopen(handles[0], "rb") as file:
        file.seek(0)
        assert fields(file.read())["MESSAGE"] == "x" * 8000


def test_without_the_journals_socket_each_line_has_its_level_in_front(tmp_path: Path) -> None:
    stream = io.StringIO()
    handler = JournalHandler(Scrubber(()), stream, tmp_path / "gone")
    logger = logging.Logger("studio.there")
    logger.addHandler(handler)

    logger.error("first\nsecond")
    handler.close()

    assert stream.getvalue() == "<3>studio.there: first\n<3>second\n"


def test_only_the_stream_that_systemd_connected_goes_to_the_journal(tmp_path: Path) -> None:
    with (tmp_path / "s").open("w") as stream:
        found = os.fstat(stream.fileno())

        assert goes_to_journal(stream, {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"})
        assert not goes_to_journal(stream, {"JOURNAL_STREAM": "8:1"})
        assert not goes_to_journal(stream, {})
    assert not goes_to_journal(io.StringIO(), {"JOURNAL_STREAM": "8:1"})


def test_a_plain_line_has_no_secret(tmp_path: Path) -> None:
    stream, before = io.StringIO(), logging.root.handlers[:]
    level = logging.root.level
    try:
        open_logs(logging.INFO, stream, {"MY_API_KEY": "k-123456"})
        logging.getLogger("studio.there").info("key k-123456 at %s", DSN)
        logging.getLogger("httpx").info("GET %s", DSN)
    finally:
        logging.root.handlers[:], logging.root.level = before, level

    assert stream.getvalue() == (
        "INFO studio.there: key [hidden] at postgresql://studio:[hidden]@db/bookai\n"
    )


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("Authorization: Bearer abcdefgh.ijk-lm", "Authorization: Bearer [hidden]"),
        ("GET /v1?access_token=abcdef123&page=2", "GET /v1?access_token=[hidden]&page=2"),
        ('{"api_key": "sk-abcdef"}', '{"api_key": "[hidden]"}'),
        ("password=secret99 host=db", "password=[hidden] host=db"),
        ("the token is short; key: no", "the token is short; key: no"),
        ("https://example.org/a:b@c", "https://example.org/a:b@c"),
    ],
)
def test_what_stands_beside_a_secrets_name_is_hidden(said: str, left: str) -> None:
    assert Scrubber(()).scrub(said) == left


@pytest.mark.parametrize("part", ["a-", "token ", "://a:", "Bearer ", "token=" + " " * 90])
def test_a_strangers_long_address_does_not_hold_up_the_event_loop(part: str) -> None:
    text, began = part * (65_536 // len(part)), time.process_time()

    assert len(Scrubber(["abcdef"]).scrub(text)) < 8300
    assert time.process_time() - began < 0.05


def test_a_long_text_keeps_its_begin_and_its_end_and_no_part_of_a_secret() -> None:
    secret = "s3cret" * 10
    text = "begin " + f"token: {secret} " * 500 + "end"

    said = Scrubber(()).scrub(text)

    assert said.startswith("begin token: [hidden] ")
    assert said.endswith("token: [hidden] end")
    assert "characters left out" in said
    assert "s3cret" not in said


def test_credentials_of_systemd_are_known(tmp_path: Path) -> None:
    (tmp_path / "news").write_text("abcdef-ghi\n")
    (tmp_path / "BOOKAI_DSN").write_text(DSN)

    scrubber = Scrubber.of({"CREDENTIALS_DIRECTORY": str(tmp_path)})

    assert scrubber.scrub(f"it was abcdef-ghi, and {PASSWORD}") == "it was [hidden], and [hidden]"


def test_a_credentials_folder_that_is_gone_hides_nothing_and_breaks_nothing() -> None:
    assert Scrubber.of({"CREDENTIALS_DIRECTORY": "/does/not/exist"}).scrub("as it is") == "as it is"
