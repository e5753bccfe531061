"""What a backup takes along, and which older ones go for it."""

import asyncio
import shutil
from pathlib import Path
from threading import Event

import pytest

from bookai.errors import OperatorNeeded
from bookai.settings import Settings
from studio.database import make_home, seal_audit
from studio.keeping import archive
from studio.keeping.backup import Order, back_up
from studio.office import open_office
from tests.studio.keeping.test_backup import BY, there


async def test_a_film_that_is_finished_while_the_backup_runs_is_in_it(
    settings: Settings, tmp_path: Path
) -> None:
    make_home(settings.home)
    into, film = tmp_path / "b", settings.work_dir / "9" / "video.mp4"
    async with open_office(settings) as office:
        await seal_audit(office.database, settings)

        async def finish_one() -> None:
            async with asyncio.timeout(60):
                while not await asyncio.to_thread(lambda: list(into.glob(".bookai-*.part"))):
                    pass
            film.parent.mkdir(parents=True)
            film.write_bytes(b"film")

        async with asyncio.TaskGroup() as group:
            group.create_task(finish_one())
            made = await back_up(settings, Order(into, with_media=True, keep=None, by=BY))

    assert "home/work/9/video.mp4" in archive.unpack(Path(made.path), None, Event()).facts["files"]


def renamed(path: str, name: str) -> Path:
    return Path(path).rename(Path(path).with_name(name))


async def test_only_older_backups_of_this_very_studio_are_removed(
    settings: Settings, tmp_path: Path
) -> None:
    make_home(settings.home)
    into = tmp_path / "b"
    order = Order(into, with_media=False, keep=1, by=BY)
    async with open_office(settings):
        ours = renamed((await back_up(settings, order)).path, "bookai-20260101T000000Z.tar")
        with archive.new_archive(into, "bookai-20260102T000000Z.tar", Event()) as writer:
            writer.close({"counts": {}, "host": "there", "work": "/elsewhere/work"})
        later = ours.with_name("bookai-29990101T000000Z.tar")
        shutil.copy(ours, later)  # made while the clock was wrong
        (into / "bookai-notes.tar").write_bytes(b"no backup")

        made = Path((await back_up(settings, order)).path)

    assert set(there(into)) == {made.name, "bookai-20260102T000000Z.tar", "bookai-notes.tar"}


async def test_a_backup_does_not_go_into_the_home_itself(settings: Settings) -> None:
    make_home(settings.home)
    settings.postgres_dir.mkdir(exist_ok=True)

    with pytest.raises(OperatorNeeded, match="is the studio's home"):
        await back_up(settings, Order(settings.home, with_media=False, keep=None, by=BY))
