"""One row in its worker: the channel's look, the shelf, the formats, and the place it goes to."""

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from bookai.film.material import BrandKit
from studio.batch.film import make, targets
from studio.batch.records import Format, Row, Setup, Task
from tools.render.engine.targets import Config

SMALL = {"width": 360, "height": 640, "fps": 15}
ROW = Row(
    title="Lighthouses",
    lines=("Ships need light.", "The lighthouse stands on a rock.", "It shines."),
    language="en",
)
CATALOGUE = """
[[media]]
path = "tower.png"
words = "lighthouse on a rock"
licence = "own work"
"""


def setup(tmp_path: Path, **facts: Any) -> Setup:
    (tmp_path / "out" / ".work").mkdir(parents=True)
    return Setup(out=str(tmp_path / "out"), work=str(tmp_path / "out" / ".work"), **facts)


def near(path: Path, colour: tuple[int, int, int]) -> float:
    """Return the largest share of a picture of the video that has about this colour."""
    with av.open(str(path)) as video:
        pictures = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
    return max(
        float((np.abs(one[::8, ::8].astype(int) - colour) < 40).all(axis=2).mean())
        for one in pictures[::5]
    )


async def test_a_row_has_the_channels_look_its_own_pictures_and_the_settings_formats(
    tmp_path: Path,
) -> None:
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    Image.new("RGB", (720, 1280), (255, 0, 255)).save(shelf / "tower.png")
    (shelf / "media.toml").write_text(CATALOGUE)
    config = {
        "render_video": {**SMALL, "formats": ["1:1"], "clean": True},
        "speak": {"music": "none"},
        "media": {"folder": str(shelf)},
        "c2pa": {"enabled": False},
    }
    given = setup(tmp_path, config=config, kit=BrandKit(main="#005500", deep="#005500"))

    made = await make(Task(number=1, digest="d", row=ROW), given)

    place = tmp_path / "out" / "0001"
    names = {Path(name).name for name in made.files}
    assert {"video.mp4", "video-1x1.mp4", "video-clean.mp4"} <= names, made
    assert {path.name for path in place.iterdir()} == names
    assert not (tmp_path / "out" / ".work" / "1").exists()
    assert near(place / "video.mp4", (0, 85, 0)) > 0.2
    assert near(place / "video.mp4", (255, 0, 255)) > 0.1


@pytest.mark.parametrize(
    ("asked", "size", "others"),
    [
        ((), (360, 640), ["1:1", "clean"]),
        (("9:16",), (360, 640), []),
        (("16:9", "9:16"), (640, 360), ["9:16"]),
    ],
)
def test_formats_of_the_command_take_the_place_of_those_in_the_settings(
    tmp_path: Path, asked: tuple[Format, ...], size: tuple[int, int], others: list[str]
) -> None:
    config = Config.model_validate({**SMALL, "formats": ["1:1"], "clean": True})

    main, more = targets(setup(tmp_path, formats=asked), config, tmp_path)

    assert (main.width, main.height) == size
    assert [one.name for one in more] == others


@pytest.mark.parametrize("name", ["holiday.jpg", "video.mp4/holiday.jpg"])
async def test_a_rows_folder_that_holds_something_of_others_is_left_alone(
    tmp_path: Path, name: str
) -> None:
    given = setup(tmp_path)
    theirs = tmp_path / "out" / "0001" / name
    theirs.parent.mkdir(parents=True)
    theirs.touch()

    made = await make(Task(number=1, digest="d", row=ROW), given)

    assert not made.ok
    assert "is no batch's: move it away" in made.error
    assert theirs.exists()
