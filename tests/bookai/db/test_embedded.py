"""The embedded server under what happens to it: crowds, kill -9, reused process ids."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from bookai.db.embedded import EmbeddedPostgres, embedded
from bookai.db.pg.binaries import PROGRAMS, PgBinaries, can_run, find_binaries, make_readable
from bookai.db.pg.home import SOCKET_PATH_LIMIT, Home
from bookai.errors import OperatorNeeded

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root closes a home to the server")

CLIENT = """
import sys
from pathlib import Path
from bookai.db.embedded import EmbeddedPostgres
import psycopg
server = EmbeddedPostgres(Path(sys.argv[1]))
with psycopg.connect(server.start()) as con:
    print(con.execute("SELECT 41 + 1").fetchone()[0], flush=True)
if len(sys.argv) > 2:
    sys.stdin.read()
server.stop()
"""


@pytest.fixture
def state() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="bke-"))
    folder.chmod(0o711)
    yield folder / "pg"
    if (folder / "pg" / "pgdata").exists():
        last = EmbeddedPostgres(folder / "pg")
        with suppress(OperatorNeeded):  # a test that broke the server on purpose
            last.start()
        last.stop()
    shutil.rmtree(folder, ignore_errors=True)


def ask(dsn: str, query: str = "SELECT 1") -> object:
    with psycopg.connect(dsn) as con:
        row = con.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def postmaster(state: Path) -> int:
    return int((state / "pgdata" / "postmaster.pid").read_text().split()[0])


def spawn(state: Path, *more: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", CLIENT, str(state), *more],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_four_processes_that_start_at_once_share_one_server(state: Path) -> None:
    clients = [spawn(state) for _ in range(4)]

    said = [client.communicate(timeout=50)[0].strip() for client in clients]

    assert said == ["42"] * 4


def test_the_last_one_out_stops_the_server(state: Path) -> None:
    first, second = EmbeddedPostgres(state), EmbeddedPostgres(state)
    first.start()
    second.start()

    assert first.stop() is False
    assert ask(second.dsn()) == 1
    assert second.stop() is True
    with pytest.raises(psycopg.OperationalError):
        ask(second.dsn())


def test_a_client_killed_with_9_does_not_count_any_more(state: Path) -> None:
    client = spawn(state, "stay")
    assert client.stdout is not None
    assert client.stdout.readline().strip() == "42"
    client.kill()
    client.communicate(timeout=10)

    server = EmbeddedPostgres(state)
    server.start()

    assert server.stop() is True


def test_a_postmaster_killed_with_9_is_started_again_with_its_data(state: Path) -> None:
    server = EmbeddedPostgres(state)
    with psycopg.connect(server.start()) as con:
        con.execute("CREATE TABLE kept AS SELECT 7 AS n")
    os.kill(postmaster(state), signal.SIGKILL)

    again = EmbeddedPostgres(state)

    assert ask(again.start(), "SELECT n FROM kept") == 7
    again.stop()
    server.stop()


def test_a_reused_process_id_is_not_taken_for_the_server(state: Path) -> None:
    server = EmbeddedPostgres(state)
    server.start()
    server.stop()
    (state / "pgdata" / "postmaster.pid").write_text(f"{os.getpid()}\n{state / 'pgdata'}\n")

    assert ask(server.start()) == 1
    server.stop()


def test_a_half_made_cluster_is_thrown_away(state: Path) -> None:
    (state / "pgdata.new").mkdir(parents=True)
    (state / "pgdata.new" / "PG_VERSION").write_text("18")

    server = EmbeddedPostgres(state)

    assert ask(server.start()) == 1
    server.stop()


def test_secrets_are_closed_to_others_and_a_wrong_password_is_refused(state: Path) -> None:
    server = EmbeddedPostgres(state)
    dsn = server.start()

    assert {path.stat().st_mode & 0o077 for path in state.glob("*.secret")} == {0}
    password = (state / "bookai.secret").read_text()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        ask(dsn.replace(password, "wrong"))
    server.stop()


def test_a_binaries_folder_without_postgres_is_named_with_the_mend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOOKAI_PG_BINDIR", str(tmp_path))

    with pytest.raises(OperatorNeeded, match="BOOKAI_PG_BINDIR="):
        find_binaries(None)


def test_data_of_another_major_version_is_not_opened() -> None:
    with pytest.raises(OperatorNeeded, match="no PostgreSQL 9 binaries were found"):
        find_binaries(9)


@pytest.mark.parametrize("name", ['it\'s, "quoted" $(and) spaced', "d" * 120])
def test_a_state_folder_may_have_any_name(state: Path, name: str) -> None:
    folder = state.parent / name / "pg"
    server = EmbeddedPostgres(folder)

    assert ask(server.start()) == 1

    sockets = Home(folder).sockets
    assert len(str(sockets)) <= SOCKET_PATH_LIMIT
    assert server.stop() is True
    shutil.rmtree(sockets)


def test_a_strangers_socket_folder_is_not_used(state: Path) -> None:
    run = state / "run"
    run.mkdir(parents=True)
    run.chmod(0o777)
    state.chmod(0o711)

    with pytest.raises(OperatorNeeded, match="others may write there"):
        EmbeddedPostgres(state).start()


def fake_binaries(folder: Path, initdb: str) -> None:
    folder.mkdir(parents=True)
    scripts = {
        "postgres": "echo 'postgres (PostgreSQL) 18.4'",
        "initdb": initdb,
        "pg_ctl": "exit 1",
    }
    for name in PROGRAMS:
        (folder / name).write_text(f"#!/bin/sh\n{scripts[name]}\n")
        (folder / name).chmod(0o755)
    folder.chmod(0o755)


def test_a_full_disk_is_told_with_the_mend_and_leaves_no_half_cluster(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    complaint = "initdb: error: could not write: No space left on device"
    fake_binaries(state.parent / "bin", f"echo '{complaint}' >&2; exit 1")
    monkeypatch.setenv("BOOKAI_PG_BINDIR", str(state.parent / "bin"))

    with pytest.raises(OperatorNeeded, match=r"No space left on device.*free some space"):
        EmbeddedPostgres(state).start()

    assert [path.name for path in state.glob("pgdata*")] == []


def test_a_server_that_does_not_start_is_told_with_its_own_last_words(state: Path) -> None:
    server = EmbeddedPostgres(state)
    server.start()
    server.stop()
    with (state / "pgdata" / "postgresql.conf").open("a") as conf:
        conf.write("shared_buffers = 'nonsense'\n")

    with pytest.raises(OperatorNeeded, match=r"FATAL: .*contains errors"):
        EmbeddedPostgres(state).start()


def test_a_shell_that_stands_in_the_data_folder_does_not_stop_a_start(state: Path) -> None:
    server = EmbeddedPostgres(state)
    server.start()
    server.stop()
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, cwd=state / "pgdata") as shell:
        assert ask(server.start()) == 1

        server.stop()
        shell.terminate()


def test_many_who_need_a_password_at_once_get_the_same_one(state: Path) -> None:
    state.mkdir()
    with ThreadPoolExecutor(8) as crowd:
        secrets = list(crowd.map(Home(state).secret, ["bookai_app"] * 32))

    assert len(set(secrets)) == 1
    assert len(secrets[0]) >= 24


async def test_the_server_runs_while_the_block_does(state: Path) -> None:
    async with embedded(state) as server:
        assert ask(server.dsn()) == 1

    with pytest.raises(psycopg.OperationalError):
        ask(server.dsn())


def test_leaving_without_having_come_is_no_error(tmp_path: Path) -> None:
    assert EmbeddedPostgres(tmp_path / "never").stop() is False


@as_root
def test_a_closed_home_stays_closed_and_its_data_is_found_again(state: Path) -> None:
    closed = state.parent / "home"
    closed.mkdir(mode=0o700)
    clusters = state.parent / "clusters"

    def server() -> EmbeddedPostgres:
        return EmbeddedPostgres(closed / "pg", Home(closed / "pg", clusters))

    first = server()
    with psycopg.connect(first.start()) as con:
        con.execute("CREATE TABLE kept AS SELECT 7 AS n")
    first.stop()
    again = server()

    assert ask(again.start(), "SELECT n FROM kept") == 7
    again.stop()
    assert closed.stat().st_mode & 0o777 == 0o700
    assert not (closed / "pg" / "pgdata").exists()


@as_root
def test_binaries_in_a_closed_home_are_copied_and_the_home_stays_closed(state: Path) -> None:
    closed = state.parent / "home"
    closed.mkdir(mode=0o700)
    folder = closed / "site" / "wheel" / "pginstall18" / "bin"
    fake_binaries(folder, "exit 0")
    library = closed / "site" / "wheel.libs" / "libpq.so"
    library.parent.mkdir()
    library.write_bytes(b"elf")
    user = pwd.getpwnam("nobody")

    found = make_readable(PgBinaries(18, folder, "wheel"), user, state.parent / "copies")

    assert can_run(found / "postgres", user)
    assert (found / "../../../wheel.libs/libpq.so").resolve().read_bytes() == b"elf"
    assert closed.stat().st_mode & 0o777 == 0o700
    assert make_readable(PgBinaries(18, folder, "wheel"), user, state.parent / "copies") == found
    assert len(list((state.parent / "copies").iterdir())) == 1


@as_root
def test_root_helps_the_owner_of_the_data_and_takes_nothing_over(state: Path) -> None:
    server = EmbeddedPostgres(state)
    server.start()
    server.stop()
    nobody = pwd.getpwnam("nobody")
    for path in (state, *state.rglob("*")):
        os.chown(path, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)

    assert ask(server.start()) == 1
    server.stop()

    owners = {path.stat().st_uid for path in (state, *state.glob("*"))}
    assert owners == {nobody.pw_uid}
