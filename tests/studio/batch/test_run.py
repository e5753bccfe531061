"""What a batch refuses before it makes anything, and what of others it never removes."""

from pathlib import Path
from typing import Any

import pytest

from bookai.errors import OperatorNeeded, Refused
from bookai.film.material import BrandKit
from studio.batch.ledger import NAME
from studio.batch.run import MARK, run_batch
from tests.studio.batch.odd_batch import ODD, setup_in, tell

UNSIGNED = {"c2pa": {"enabled": False}}


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    file = tmp_path / "rows.jsonl"
    file.write_text("")
    return file


async def start(rows: Path, out: Path, **facts: Any) -> None:
    setup = setup_in(out).model_copy(update=facts)
    await run_batch(rows, setup, 1, tell, resume=True, module=ODD)


@pytest.mark.parametrize(
    "facts",
    [
        {"config": {**UNSIGNED, "render_video": {"fps": 1000}}},
        {"config": {**UNSIGNED, "render_video": {"formats": ["3:4"]}}},
        {"config": {**UNSIGNED, "media": {"folder": "/nowhere"}}},
        {"kit": BrandKit(logo="/nowhere/logo.png")},
        {"kit": BrandKit(font="/nowhere/own.ttf")},
        {"kit": BrandKit(ink="#777777", paper="#777777")},
    ],
)
async def test_a_wrong_setting_is_told_once_before_any_row(
    rows: Path, tmp_path: Path, facts: dict[str, Any]
) -> None:
    with pytest.raises(OperatorNeeded):
        await start(rows, tmp_path / "out", **facts)

    assert not (tmp_path / "out").exists()


async def test_a_scratch_folder_without_our_mark_is_left_alone(rows: Path, tmp_path: Path) -> None:
    work = tmp_path / "out" / ".work"
    work.mkdir(parents=True)
    (tmp_path / "out" / NAME).touch()
    (work / "thesis.tex").touch()

    with pytest.raises(Refused, match="move it away"):
        await start(rows, tmp_path / "out")

    assert (work / "thesis.tex").exists()


async def test_a_scratch_folder_that_is_a_link_is_left_alone(rows: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / NAME).touch()
    (tmp_path / "else").mkdir()
    (tmp_path / "else" / MARK).touch()
    (tmp_path / "out" / ".work").symlink_to(tmp_path / "else")

    with pytest.raises(Refused, match="move it away"):
        await start(rows, tmp_path / "out")

    assert (tmp_path / "else" / MARK).exists()


async def test_what_a_killed_run_left_is_removed(rows: Path, tmp_path: Path) -> None:
    work = tmp_path / "out" / ".work"
    (work / "1").mkdir(parents=True)
    (work / "1" / "voice.wav").touch()
    (work / MARK).touch()
    (tmp_path / "out" / NAME).touch()

    await start(rows, tmp_path / "out")

    assert [path.name for path in (tmp_path / "out").iterdir()] == [NAME]
