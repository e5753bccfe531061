"""A backup is whole or not there; what is restored is what was copied, and publishes nothing."""

import asyncio
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from threading import Event
from uuid import uuid4

import pytest
from click.testing import CliRunner

from bookai.db import approvals, audit, control, jobs, outbox
from bookai.db.embedded import EmbeddedPostgres
from bookai.db.keeping.programs import environment_of
from bookai.db.seal import verify
from bookai.db.seal.files import read_verifier
from bookai.errors import OperatorNeeded, Refused
from bookai.models import Post
from bookai.settings import Settings, read_settings
from studio.cli import bookai
from studio.database import RESTORING, make_home, notes_path, seal_audit
from studio.keeping import archive
from studio.keeping.backup import Order, back_up
from studio.keeping.restore import restore
from studio.office import now, open_office
from tests.bookai.db.test_outbox import URL
from tests.conftest import execute, on_database
from tests.studio.web.conftest import House, served

BY = "operator:test"
INSERT_VIDEO = """
INSERT INTO videos (job_id, path, sha256, thumbnail_path, duration_s, width, height, fps, encoder)
SELECT job_id, record -> 'render' ->> 'video_path', record -> 'render' ->> 'sha256',
       record -> 'render' ->> 'thumbnail_path', 4, 1080, 1920, 30, 'libx264'
  FROM video_jobs
"""


@pytest.fixture
def new_home() -> Iterator[Path]:
    """A home that is not there yet, with a short path that an unprivileged server may enter."""
    folder = Path(tempfile.mkdtemp(prefix="bkr-"))
    folder.chmod(0o711)
    yield folder / "home"
    shutil.rmtree(folder)


def there(folder: Path) -> dict[str, int]:
    """Return what lies in a folder, with its rights."""
    return {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}


async def ask(house: House, *, approve: bool = True) -> tuple[int, int, Post]:
    """Return job, approval and post of a film that is finished, and approved if so."""
    number = await house.ask()
    pool = house.office.database.pool
    if approve:
        await approvals.decide(pool, number, True, "", BY, now())
    found = await approvals.get(pool, number)
    return found.job_id, number, found.post


async def a_life(house: House) -> dict[str, tuple[int, int]]:
    """Bring one post into each state in which a studio can be when it is copied."""
    pool, made = house.office.database.pool, {}
    for name in ("asked", "approved", "armed", "sending", "posted"):
        job_id, number, post = await ask(house, approve=name != "asked")
        made[name] = (job_id, number)
        if name in ("armed", "sending", "posted"):
            claim = await outbox.arm(pool, job_id, post)
            if name != "armed":
                await outbox.mark_sending(pool, claim.post_id, claim.attempt, "host:1")
            if name == "posted":
                await outbox.mark_posted(pool, claim.post_id, "v1", URL)
    await pool.execute(INSERT_VIDEO)
    await pool.execute(
        "INSERT INTO publish_slots (channel, slot_at, job_id) VALUES ('default', now(), $1)",
        made["approved"][0],
    )
    await seal_audit(house.office.database, house.settings)
    return made


async def test_what_is_restored_is_what_was_copied_and_publishes_nothing(
    settings: Settings, tmp_path: Path, new_home: Path
) -> None:
    make_home(settings.home)
    (settings.home / "studio.toml").write_text('dsn = "postgresql://there/it"\nhttp_port = 8999\n')
    async with served(settings) as house:
        made = await a_life(house)
        backup = await back_up(settings, Order(tmp_path, with_media=True, keep=None, by=BY))
        await ask(house)  # life goes on

    came = await restore(tmp_path, new_home, BY)

    assert (came.films, came.absent, came.changed, came.taken_out) == (5, (), (), ("dsn",))
    assert (came.files, came.rows) == (backup.files, backup.rows)
    assert came.questions_expired == (made["asked"][0],)
    assert came.approvals_expired == (made["approved"][0],)
    assert came.jobs_put_aside == tuple(
        made[name][0] for name in ("asked", "approved", "armed", "sending")
    )
    again = read_settings({"BOOKAI_HOME": str(new_home)})
    async with served(again) as house:
        pool = house.office.database.pool
        assert {post.job_id: post.state for post in await outbox.list_(pool)} == {
            made["armed"][0]: "unknown",
            made["sending"][0]: "unknown",
            made["posted"][0]: "posted",
        }
        states = {one.approval_id: one.state for one in await approvals.list_(pool)}
        assert [states[number] for _, number in made.values()] == [
            *("expired", "expired", "approved", "approved", "approved")
        ]
        (pause,) = await control.list_pauses(pool)
        assert (pause.scope, pause.paused_by) == ("", control.RESTORE)
        assert all([await control.held(pool, job_id) for job_id, _ in made.values()])
        await _nothing_goes_on_by_itself(house, came.jobs_put_aside)
        await _asked_anew_it_can_be_seen(house, made["asked"][1])
        await _what_is_new_is_sealed(house, again)


async def _nothing_goes_on_by_itself(house: House, put_aside: tuple[int, ...]) -> None:
    """Each says why; an operator can carry it on."""
    pool = house.office.database.pool
    rows = [await jobs.get(pool, job_id) for job_id in put_aside]
    assert {row.status for row in rows} == {"refused"}
    assert all("may be out already" in (row.reason or "") for row in rows)
    assert await pool.fetchval("SELECT count(*) FROM publish_slots") == 0
    assert (await house.office.desk.resume_job(put_aside[-1], BY)).status == "queued"


async def _asked_anew_it_can_be_seen(house: House, number: int) -> None:
    pool = house.office.database.pool
    newer = await approvals.renew(pool, number, BY, now(), timedelta(hours=1))
    async with house.signed_in() as browser:
        page = await browser.get(f"/approvals/{newer.approval_id}")
    assert page.status_code == 200
    assert Path(newer.video_path).is_relative_to(house.settings.work_dir)
    assert there(Path(newer.video_path).parent)["video.mp4"]


async def _what_is_new_is_sealed(house: House, settings: Settings) -> None:
    pool = house.office.database.pool
    (told,) = await audit.search(pool, kind="studio.restored")
    assert len(json.loads(told.body)["posts_unknown"]) == 2
    await audit.append(pool, "test.after", BY, {})
    await seal_audit(house.office.database, settings)
    verifier = read_verifier(settings.audit_dir / "signing.pub")
    report = await verify.verify(pool, verifier, notes_path(settings))
    assert (report.ok, report.unsealed, report.eras) == (True, 0, 2)


@pytest.fixture
def empty(server: EmbeddedPostgres) -> Iterator[str]:
    """The owner's DSN of a database without a table."""
    name = f"t_{uuid4().hex[:12]}"
    execute(server.dsn(), f"CREATE DATABASE {name}")
    yield on_database(server.dsn(), name)
    execute(server.dsn(), f"DROP DATABASE {name} WITH (FORCE)")


async def test_a_backup_of_a_busy_studio_is_as_of_one_moment(
    settings: Settings, tmp_path: Path, empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes back into the database that BOOKAI_DSN names, if that is empty."""
    async with open_office(settings) as office:
        pool, done = office.database.pool, asyncio.Event()
        await seal_audit(office.database, settings)

        async def go_on() -> int:
            written = 0
            while not done.is_set():
                await audit.append(pool, "test.goes_on", BY, {})
                await seal_audit(office.database, settings)
                written += 1
            return written

        async with asyncio.TaskGroup() as group:
            busy = group.create_task(go_on())
            made = await back_up(settings, Order(tmp_path, with_media=True, keep=None, by=BY))
            done.set()
    monkeypatch.setenv("BOOKAI_DSN", empty)

    came = await restore(Path(made.path), tmp_path / "again", BY)

    assert busy.result() > 3
    assert (came.rows, came.events > 0) == (made.rows, True)
    with pytest.raises(OperatorNeeded, match="tables already"):
        await restore(Path(made.path), tmp_path / "more", BY)


async def test_a_database_that_was_not_restored_to_its_end_is_no_studio(
    settings: Settings, tmp_path: Path, empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_office(settings) as office:
        await seal_audit(office.database, settings)
        made = await back_up(settings, Order(tmp_path, with_media=True, keep=None, by=BY))
    wrong = miscounted(Path(made.path), tmp_path / "wrong")
    monkeypatch.setenv("BOOKAI_DSN", empty)

    with pytest.raises(Refused, match="not what was copied"):
        await restore(wrong, tmp_path / "again", BY)
    other = read_settings({"BOOKAI_HOME": str(tmp_path / "other"), "BOOKAI_DSN": empty})
    with pytest.raises(OperatorNeeded, match="was broken off"):
        async with open_office(other):
            pass
    with pytest.raises(OperatorNeeded, match="was broken off"):
        await restore(Path(made.path), tmp_path / "more", BY)

    assert list((tmp_path / "again").iterdir()) == []


def miscounted(path: Path, into: Path) -> Path:
    """Return a backup that says of itself that it has one job more than it has."""
    found = archive.unpack(path, into / "parts", Event())
    counts = {**found.facts["counts"], "video_jobs": 1}
    with archive.new_archive(into, "bookai-w.tar", Event()) as writer:
        for name in found.facts["files"]:
            with (into / "parts" / name.removeprefix(archive.HOME)).open("rb") as file:
                writer.add(name, file)
        writer.close({**found.facts, "counts": counts})
    return into / "bookai-w.tar"


async def test_a_backup_can_be_checked_and_tells_what_it_leaves_out(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_home(settings.home)
    (settings.work_dir / "1").mkdir(parents=True)
    (settings.work_dir / "1" / "video.mp4").write_bytes(b"film")
    (settings.home / "own.key").symlink_to("/etc/hostname")
    order = Order(tmp_path / "b", with_media=False, keep=1, by=BY)

    made = await back_up(settings, order)
    path = Path(made.path)
    told = await asyncio.to_thread(
        CliRunner().invoke, bookai, ["restore", str(tmp_path / "b"), "--check", "--json"]
    )

    assert there(order.into) == {path.name: 0o600}
    assert made.left_out == ("own.key: a link", "work and gallery: --no-media")
    said = json.loads(told.output)
    assert (said["files"], said["counts"]["video_jobs"]) == (made.files, 0)


KILLED = """
import os, signal, sys
from pathlib import Path
from threading import Event
from uuid import uuid4
from studio.keeping.archive import new_archive
folder = Path(sys.argv[1])
with new_archive(folder, "bookai-x.tar", Event()) as writer:
    with (folder / "film").open("rb") as film:
        writer.add("home/film", film)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_backup_leaves_nothing_that_looks_whole(tmp_path: Path) -> None:
    (tmp_path / "film").write_bytes(b"x" * 100_000)

    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], timeout=60, check=False)
    left = {path.name for path in tmp_path.iterdir()} - {"film"}
    with pytest.raises(OperatorNeeded, match="no backup in"):
        archive.newest(tmp_path)
    (part,) = tmp_path.glob(".bookai-*.part")
    with pytest.raises(Refused, match=r"no whole backup|is damaged"):
        archive.unpack(part, None, Event())
    with archive.new_archive(tmp_path, "bookai-y.tar", Event()) as writer:
        writer.close({"counts": {}})

    assert done.returncode == -9
    assert len(left) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"film", "bookai-y.tar"}


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A whole backup of two small files."""
    (tmp_path / "film").write_bytes(b"film" * 1000)
    with archive.new_archive(tmp_path, "bookai-z.tar", Event()) as writer:
        for name in ("home/a", "home/work/1/b"):
            with (tmp_path / "film").open("rb") as film:
                writer.add(name, film)
        writer.close({"counts": {}, "made_at": "now"})
    return tmp_path / "bookai-z.tar"


def change(path: Path, after: bytes) -> None:
    """Change a byte behind the first place of those."""
    data = bytearray(path.read_bytes())
    data[data.index(after) + len(after)] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("after", [b"filmfilm", b"home/", b'"home/a": [', b"ustar"])
def test_a_changed_byte_is_found(small: Path, after: bytes) -> None:
    change(small, after)

    with pytest.raises(Refused):
        archive.unpack(small, None, Event())


def test_a_cut_off_archive_is_refused(small: Path) -> None:
    small.write_bytes(small.read_bytes()[:-11_000])

    with pytest.raises(Refused):
        archive.unpack(small, None, Event())


@pytest.mark.parametrize("name", ["home/../../evil", "/home/x", "elsewhere/x", "home"])
def test_a_name_that_leads_out_is_not_opened(tmp_path: Path, name: str) -> None:
    path = tmp_path / "evil.tar"
    with tarfile.open(path, "w") as tar:
        member = tarfile.TarInfo(name)
        member.size = 1
        tar.addfile(member, BytesIO(b"x"))

    with pytest.raises(Refused, match="not opened"):
        archive.unpack(path, tmp_path / "into", Event())


async def test_a_home_that_is_not_empty_is_left_alone(small: Path, tmp_path: Path) -> None:
    with pytest.raises(OperatorNeeded, match="is not empty"):
        await restore(small, tmp_path, BY)


async def test_a_damaged_backup_leaves_the_home_empty(small: Path, tmp_path: Path) -> None:
    change(small, b"film")
    home = tmp_path / "again"

    with pytest.raises(Refused, match="damaged"):
        await restore(small, home, BY)

    assert list(home.iterdir()) == []


def test_a_restore_that_was_broken_off_is_no_studio(tmp_path: Path) -> None:
    (tmp_path / RESTORING).mkdir()

    with pytest.raises(OperatorNeeded, match="restore again"):
        make_home(tmp_path)


def test_the_password_reaches_postgres_programs_by_their_environment() -> None:
    found = environment_of("postgresql://ann:s%40cret@db.example.org:5433/it?sslmode=require")

    wanted = {"PGHOST": "db.example.org", "PGPORT": "5433", "PGPASSWORD": "s@cret"}
    assert wanted.items() <= found.items()
    assert found["PGSSLMODE"] == "require"
