"""What a row may be, what it must not, and when it counts as the same."""

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bookai.errors import OperatorNeeded
from bookai.film.material import BrandKit
from studio.batch.records import Made, Row, Setup, Task
from studio.batch.rows import count_rows, read_rows
from tools.media.gather import CATALOGUE
from tools.render.engine import store

PLAIN = {"title": "Clocks", "lines": ["Clocks stop.", "Really."], "language": "en"}
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(*rows: dict[str, Any] | bytes) -> Path:
        lines = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]
        path = tmp_path / "rows.jsonl"
        path.write_bytes(b"\n".join(lines) + b"\n")
        return path

    return write


def setup(**facts: Any) -> Setup:
    return Setup(out="/nowhere", work="/nowhere/.work", **facts)


def read(path: Path, **facts: Any) -> list[Task | Made]:
    return list(read_rows(path, setup(**facts)))


def digest(path: Path, **facts: Any) -> str:
    return read(path, **facts)[0].digest


def test_plain_lines_become_a_script_that_opens_with_its_first() -> None:
    spoken = Row.model_validate_json(json.dumps(PLAIN)).spoken

    assert spoken is not None
    assert [(line.kind, line.text) for line in spoken.lines] == [
        ("hook", "Clocks stop."),
        ("beat", "Really."),
    ]
    assert (spoken.title, spoken.language) == ("Clocks", "en")


def test_a_whole_script_is_taken_as_it_is(write: Write) -> None:
    spoken = Row.model_validate_json(json.dumps(PLAIN)).spoken
    assert spoken is not None

    found = read(write({"script": spoken.model_dump(mode="json")}))[0]

    assert isinstance(found, Task)
    assert found.row.spoken == spoken


def test_a_source_is_looked_for_beside_the_file(write: Write, tmp_path: Path) -> None:
    found = read(write({"source": "texts/a.md"}))[0]

    assert isinstance(found, Task)
    assert Path(found.row.source) == tmp_path / "texts" / "a.md"
    assert found.row.spoken is None


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (b"not json", "invalid json"),
        (b"[]", "an object"),
        (b'"\xff"', "invalid"),
        ({}, "give one of script, lines"),
        ({**PLAIN, "source": "a.md"}, "give one of script, lines"),
        ({"lines": ["Hello."]}, "lines need a title and a language"),
        ({**PLAIN, "colour": "red"}, "colour: "),
        ({**PLAIN, "lines": ["x" * (1 << 20)]}, "longer than 1 MB"),
        ({"source": "~nosuchuser/x.md"}, "source: "),
        ({"source": "~\0/x.md"}, "source: "),
    ],
)
def test_a_wrong_row_is_its_own_error_and_the_next_one_is_read(
    write: Write, row: dict[str, Any] | bytes, why: str
) -> None:
    wrong, right = read(write(row, PLAIN))

    assert isinstance(wrong, Made)
    assert (wrong.row, wrong.ok) == (1, False)
    assert wrong.error.startswith("Row 1 is not understood: ")
    assert why in wrong.error
    assert isinstance(right, Task)
    assert right.number == 2


def test_empty_lines_are_no_rows(write: Write) -> None:
    path = write(b"", PLAIN, b"  ", PLAIN)

    assert count_rows(path) == 2
    assert [one.digest for one in read(path)] == [digest(path)] * 2


def test_a_line_without_an_end_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    with path.open("wb") as file:
        file.truncate(24 << 20)

    tracemalloc.start()
    rows = count_rows(path)
    found = read(path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert (rows, len(found)) == (1, 1)
    assert most < 8 << 20


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(OperatorNeeded, match="No such file"):
        count_rows(tmp_path / "none.jsonl")


def test_what_a_video_depends_on_changes_its_digest(write: Write, tmp_path: Path) -> None:
    path = write(PLAIN)
    before = digest(path)

    assert digest(path) == before
    assert digest(path, brand="Other") != before
    assert digest(path, formats=("1:1",)) != before
    assert digest(path, config={"render_video": {"fps": 60}}) != before
    assert digest(path, kit=BrandKit(main="#0b7a75")) != before
    assert digest(write({**PLAIN, "credit": "Me"})) != before


def test_files_that_the_settings_name_count_with_what_is_in_them(
    write: Write, tmp_path: Path
) -> None:
    path = write(PLAIN)
    for name in ("own.ttf", "logo.png", "all.ttf", "music.wav", CATALOGUE):
        (tmp_path / name).write_text("one")
    looks: dict[str, dict[str, Any]] = {
        "own.ttf": {"kit": BrandKit(font=str(tmp_path / "own.ttf"))},
        "logo.png": {"kit": BrandKit(logo=str(tmp_path / "logo.png"))},
        "all.ttf": {"config": {"render_video": {"font": str(tmp_path / "all.ttf")}}},
        "music.wav": {"config": {"speak": {"music": str(tmp_path / "music.wav")}}},
        CATALOGUE: {"config": {"media": {"folder": str(tmp_path)}}},
    }

    for name, look in looks.items():
        before = digest(path, **look)
        assert digest(path, **look) == before
        (tmp_path / name).write_text("two")
        assert digest(path, **look) != before, name


def test_a_newer_engine_makes_every_row_again(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(PLAIN)
    before = digest(path)

    monkeypatch.setattr(store, "_code", lambda: "newer")

    assert digest(path) != before


def test_a_source_that_says_something_else_now_is_made_again(write: Write, tmp_path: Path) -> None:
    path, source = write({"source": "a.md"}), tmp_path / "a.md"
    absent = digest(path)
    source.write_text("One thing.")
    before = digest(path)

    source.write_text("Another thing.")

    assert len({absent, before, digest(path)}) == 3
