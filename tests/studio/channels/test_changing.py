"""A channel is changed in the operator's own file, checked before and told in the log."""

import asyncio
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bookai.db import audit
from bookai.errors import OperatorNeeded, Refused, TryLater
from bookai.settings import Settings
from studio.channels.values import from_pairs
from studio.office import Office, open_office

ANN = "operator:ann"
FILE = """\
# ours
[channels.news]   # the news
seconds = 30      # short
platform = "youtube"
account = "UC1"
"""


@pytest.fixture
def toml(settings: Settings) -> Path:
    settings.home.mkdir()
    path = settings.home / "studio.toml"
    path.write_text(FILE)
    path.chmod(0o640)
    return path


@pytest.fixture
async def office(settings: Settings, toml: Path) -> AsyncIterator[Office]:
    async with open_office(settings) as opened:
        yield opened


def read(path: Path) -> str:
    return path.read_text()


def write(path: Path, text: str) -> None:
    path.write_text(text)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def link(path: Path, real: Path) -> None:
    path.replace(real)
    path.symlink_to(real)


def is_link(path: Path) -> bool:
    return path.is_symlink()


async def rows(office: Office, kind: str) -> list[str]:
    return [row.body for row in await audit.search(office.database.pool, kind=kind, limit=9)]


async def test_a_change_keeps_comments_and_rights_and_is_seen_at_once(
    office: Office, toml: Path
) -> None:
    values = from_pairs(["seconds=40", "cadence.times=09:30,18:00", "credentials=env:THE_TOKEN"])

    done = await office.desk.change_channel("news", values, ANN)

    assert read(toml) == FILE.replace("seconds = 30 ", "seconds = 40 ") + (
        'cadence.times = ["09:30", "18:00"]\ncredentials = "env:THE_TOKEN"\n'
    )
    assert mode(toml) == 0o640
    assert done.changed == ("cadence.times", "credentials", "seconds")
    assert office.channels.channel("news").seconds == 40
    [body] = await rows(office, "channel.changed")
    assert '"keys":["cadence.times","credentials","seconds"]' in body
    assert "THE_TOKEN" not in body
    assert sorted(path.name for path in toml.parent.iterdir()) == [
        ".studio.toml.lock",
        "studio.toml",
    ]


async def test_a_channel_is_added_and_found_by_a_running_studio(office: Office, toml: Path) -> None:
    with pytest.raises(Refused, match="there is no channel 'owls'"):
        office.desk.check_channel("owls")

    await office.desk.change_channel("owls", from_pairs(["language=de"]), ANN, add=True)

    office.desk.check_channel("owls")
    assert read(toml) == FILE + '\n[channels.owls]\nlanguage = "de"\n'
    assert [row.name for row in await office.desk.list_channels()] == ["news", "owls"]
    assert len(await rows(office, "channel.added")) == 1


async def test_the_first_channel_of_a_file_does_not_take_away_the_one_without(
    office: Office, toml: Path
) -> None:
    write(toml, "# nothing yet\n")

    await office.desk.change_channel("owls", {}, ANN, add=True)

    assert set(office.channels) == {"default", "owls"}


WRONG: tuple[tuple[str, list[str], bool, str], ...] = (
    ("news", ["seconds=400"], False, r"channels\.news\.seconds: 400 is not right"),
    ("news", ["time_zone=Mars"], False, "there is no time zone 'Mars'"),
    ("news", ["platform=tiktok"], False, "there is no platform 'tiktok'; known: bluesky"),
    ("news", ["platform=gallery", "standing=private_only"], False, "'gallery' cannot"),
    ("news", ["voice=alto"], False, "there is no voice 'alto'"),
    ("nobody", ["seconds=30"], False, "there is no channel 'nobody'; known: news"),
    ("news", [], True, "there is a channel 'news' already"),
    ("../x", [], True, "is no name for a channel"),
)


async def test_what_would_be_wrong_changes_nothing(office: Office, toml: Path) -> None:
    for name, pairs, add, said in WRONG:
        with pytest.raises(Refused, match=said):
            await office.desk.change_channel(name, from_pairs(pairs), ANN, add=add)

    assert read(toml) == FILE
    assert not await rows(office, "channel.changed")


async def test_a_file_that_is_wrong_already_is_told_with_its_line(
    office: Office, toml: Path
) -> None:
    write(toml, FILE + "nonsense\n")

    with pytest.raises(OperatorNeeded, match=r"studio\.toml:6: it cannot be read"):
        await office.desk.change_channel("news", from_pairs(["seconds=40"]), ANN)


async def test_without_its_row_in_the_log_a_change_is_not_made(office: Office, toml: Path) -> None:
    with pytest.raises(Refused, match="needs an actor"):
        await office.desk.change_channel("news", from_pairs(["seconds=40"]), by="")

    assert read(toml) == FILE


async def test_of_two_at_once_none_is_lost(office: Office, toml: Path) -> None:
    async def change(pair: str) -> None:
        async with asyncio.timeout(10):
            while True:
                try:
                    await office.desk.change_channel("news", from_pairs([pair]), ANN)
                except TryLater:
                    await asyncio.sleep(0)
                else:
                    return

    async with asyncio.TaskGroup() as group:
        for pair in ("seconds=40", "language=de", "brand=Owls", "cadence.waiting=3"):
            group.create_task(change(pair))

    found: Any = office.channels.channel("news")
    assert (found.seconds, found.language, found.brand) == (40, "de", "Owls")
    assert found.cadence.waiting == 3
    assert len(await rows(office, "channel.changed")) == 4


async def test_a_link_to_the_file_stays_a_link(office: Office, toml: Path, tmp_path: Path) -> None:
    real = tmp_path / "real.toml"
    link(toml, real)

    await office.desk.change_channel("news", from_pairs(["seconds=40"]), ANN)

    assert is_link(toml)
    assert "seconds = 40" in read(real)
