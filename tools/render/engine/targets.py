"""Which files a film is written to, as [plugins.render_video] says."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from bookai.errors import OperatorNeeded
from bookai.models import Record
from tools.render.layout import Size
from tools.render.spec import Target

NAMES = {
    "video_path": "video.mp4",
    "thumbnail_path": "thumbnail.jpg",
    "vtt_path": "captions.vtt",
    "srt_path": "captions.srt",
}
Format = Literal["9:16", "1:1", "16:9"]


class Config(Record):
    """The [plugins.render_video] table: `font` is a font file used for all text.

    `formats` are made beside the main one, `clean` adds one without brand and logo, for platforms
    that forbid to lay them over a picture.
    """

    font: str = ""
    width: int = Field(default=1080, ge=180, le=2160, multiple_of=4)
    height: int = Field(default=1920, ge=320, le=3840, multiple_of=4)
    fps: int = Field(default=30, ge=10, le=60)
    formats: tuple[Format, ...] = Field(default=(), max_length=3)
    clean: bool = False

    @property
    def size(self) -> Size:
        """The main file's."""
        return Size(width=self.width, height=self.height, fps=self.fps)


def render_config(table: Mapping[str, Any]) -> Config:
    """Return the [plugins.render_video] table.

    Raises:
        OperatorNeeded: a value of it is wrong.
    """
    try:
        return Config.model_validate(dict(table))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise OperatorNeeded(
            f"[plugins.render_video] {where}: {first['msg'].lower()}.",
            mend="Correct it in studio.toml.",
        ) from error


def others_of(config: Config, scratch: Path) -> tuple[Target, ...]:
    """Return the files to be made beside the main one."""
    short, long = sorted((config.width, config.height))
    sizes = {"9:16": (short, long), "1:1": (short, short), "16:9": (long, short)}
    found = []
    for name in config.formats:
        size = Size(width=sizes[name][0], height=sizes[name][1], fps=config.fps)
        if size != config.size:
            path = scratch / f"video-{name.replace(':', 'x')}.mp4"
            found.append(Target(name=name, video_path=str(path), size=size))
    if config.clean:
        path = scratch / "video-clean.mp4"
        found.append(Target(name="clean", video_path=str(path), size=config.size, clean=True))
    return tuple(found)
