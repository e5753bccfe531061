"""`bookai batch` with its real workers, on small pictures."""

import hashlib
import json
from pathlib import Path
from typing import Any

import av
import pytest
from click.testing import CliRunner, Result

from bookai.errors import BookAIError, OperatorNeeded
from studio.cli import bookai as root

CLOCKS = {
    "title": "Clocks lose a second",
    "lines": ["Clocks lose a second in 2035."],
    "language": "en",
}
UHREN = {
    "title": "Uhren",
    "lines": ["Uhren verlieren 2035 eine Sekunde.", "193 Staaten haben zugestimmt."],
    "language": "de",
    "credit": "Quelle: Wikinews",
}
SETTINGS = """
[plugins.render_video]
width = 360
height = 640
[plugins.check_video]
width = 360
height = 640
[plugins.c2pa]
enabled = false
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    monkeypatch.setenv("BOOKAI_HOME", str(home))
    monkeypatch.chdir(tmp_path)
    home.mkdir()
    (home / "studio.toml").write_text(SETTINGS)
    rows = [CLOCKS, {"title": "no lines"}, UHREN, {"source": "none.md"}]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def batch(*options: str) -> Result:
    return CliRunner().invoke(root, ["batch", "rows.jsonl", "--workers", "1", *options])


def results(folder: Path) -> dict[int, dict[str, Any]]:
    lines = (folder / "rows" / "results.jsonl").read_text().splitlines()
    return {one["row"]: one for one in map(json.loads, lines)}


def test_each_row_becomes_a_checked_video_or_its_own_error(folder: Path) -> None:
    done = batch()

    found = results(folder)
    assert {number: one["ok"] for number, one in found.items()} == {
        1: True,
        2: False,
        3: True,
        4: False,
    }, found
    assert found[2]["error"].startswith("Row 2 is not understood: ")
    assert "there is no file" in found[4]["error"]
    for number in (1, 3):
        names = ["captions.srt", "captions.vtt", "thumbnail.jpg", "video.mp4"]
        assert sorted(found[number]["files"]) == [f"{number:04d}/{name}" for name in names]
        for name, digest in found[number]["files"].items():
            content = (folder / "rows" / name).read_bytes()
            assert hashlib.sha256(content).hexdigest() == digest
        with av.open(str(folder / "rows" / f"{number:04d}" / "video.mp4")) as video:
            assert (video.streams.video[0].width, video.streams.video[0].height) == (360, 640)
    assert isinstance(done.exception, BookAIError)
    assert "2 of 4 rows failed" in str(done.exception)
    assert "4 of 4" in done.stderr
    assert not (folder / "rows" / ".work").exists()

    before = {name: one["files"] for name, one in found.items()}
    (folder / "rows.jsonl").write_text(
        "".join(json.dumps(row) + "\n" for row in (CLOCKS, UHREN, UHREN))
    )
    again = batch("--resume", "--json")

    assert json.loads(again.stdout) == {"rows": 3, "kept": 2, "made": 1, "failed": 0}
    assert again.exit_code == 0
    # The second row has become the same video as the third, byte for byte.
    after = {name: one["files"] for name, one in results(folder).items()}
    assert list(after[2].values()) == list(before[3].values())
    assert after[1] == before[1]


def test_a_channel_that_there_is_not_is_told_before_any_work(folder: Path) -> None:
    done = batch("--channel", "nobody")

    assert isinstance(done.exception, OperatorNeeded)
    assert "Take one of these: default." in str(done.exception)
    assert not (folder / "rows").exists()
