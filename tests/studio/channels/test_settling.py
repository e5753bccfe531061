"""The log knows every state of the operator's file, after a crash and after an editor too."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bookai.db import audit
from bookai.errors import OperatorNeeded
from bookai.settings import Settings
from studio.channels.file import locked, replacing
from studio.channels.settling import CHANGED, FOUND, Settler, digest, states
from studio.channels.values import from_pairs
from studio.office import Office, open_office

ANN = "operator:ann"
FILE = "[channels.news]\nseconds = 30\n"


@pytest.fixture
def toml(settings: Settings) -> Path:
    settings.home.mkdir()
    path = settings.home / "studio.toml"
    path.write_text(FILE)
    return path


@pytest.fixture
async def office(settings: Settings, toml: Path) -> AsyncIterator[Office]:
    async with open_office(settings) as opened:
        yield opened


def write(path: Path, text: str) -> None:
    path.write_text(text)


async def rows(office: Office) -> list[tuple[str, str, dict[str, Any]]]:
    """Return what the log tells of the file, oldest first."""
    found = await audit.search(office.database.pool, kind="channel.")
    return [(row.kind, row.actor, json.loads(row.body)) for row in reversed(found)]


async def test_a_file_is_told_of_once_and_then_only_when_it_is_another(
    office: Office, toml: Path
) -> None:
    settler = Settler(office.database.pool, toml)
    await settler.look()
    await settler.look()
    await Settler(office.database.pool, toml).look()
    [first] = await rows(office)
    write(toml, FILE + "# mine\n")

    await settler.look()

    _, (kind, actor, body) = await rows(office)
    assert first[2] == {
        **states(toml, "", digest(FILE)),
        "why": "the log has not told of it before",
    }
    assert (kind, actor, body["why"]) == (FOUND, "file", "it was changed by hand")
    assert body["file_sha256_before"] == digest(FILE)
    assert str(toml.parent) not in json.dumps(body)


async def test_a_change_that_a_crash_kept_from_the_file_is_told_to_be_missing(
    office: Office, toml: Path
) -> None:
    pool = office.database.pool
    told = {"channel": "news", **states(toml, digest(FILE), digest("never written"))}
    event = await audit.append(pool, CHANGED, ANN, told)

    await Settler(pool, toml).look()

    (_, _, _), (kind, actor, body) = await rows(office)
    assert (kind, actor, body["file_sha256"]) == (FOUND, "file", digest(FILE))
    assert body["why"].startswith(f"what event {event} tells of is not in it")


async def test_what_was_changed_by_hand_is_told_before_the_next_change(
    office: Office, toml: Path
) -> None:
    await office.desk.change_channel("news", from_pairs(["seconds=40"]), ANN)
    write(toml, FILE.replace("30", "35"))

    await office.desk.change_channel("news", from_pairs(["seconds=45"]), ANN)

    found = await rows(office)
    assert [(kind, actor) for kind, actor, _ in found] == [
        (FOUND, "file"),
        (CHANGED, ANN),
        (FOUND, "file"),
        (CHANGED, ANN),
    ]
    bodies = [body for *_, body in found]
    assert [one["file_sha256_before"] for one in bodies[1:]] == [
        one["file_sha256"] for one in bodies[:-1]
    ]


async def test_nobody_looks_while_a_change_is_being_made(office: Office, toml: Path) -> None:
    settler = Settler(office.database.pool, toml)
    with locked(toml):
        await settler.look()
        meanwhile = await rows(office)

    await settler.look()

    assert (meanwhile, len(await rows(office))) == ([], 1)


async def test_without_a_file_there_is_nothing_to_tell(office: Office, tmp_path: Path) -> None:
    await Settler(office.database.pool, tmp_path / "studio.toml").look()

    assert await rows(office) == []


def test_a_file_that_is_not_swapped_stays_and_one_that_cannot_be_is_told(tmp_path: Path) -> None:
    toml = tmp_path / "studio.toml"
    write(toml, FILE)
    with replacing(toml, "# other\n"):
        pass
    left = toml.read_text()

    with replacing(toml, "# other\n") as swap:
        toml.unlink()
        toml.mkdir()
        with pytest.raises(OperatorNeeded, match="cannot be written: Is a directory"):
            swap()

    assert left == FILE
    assert [path.name for path in tmp_path.iterdir()] == ["studio.toml"]
