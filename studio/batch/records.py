"""What a row asks for, what a worker is told, and what a row came to."""

from typing import Any, Literal, Self, get_args

from pydantic import Field, model_validator

from bookai.film.material import BrandKit
from bookai.models import Line, Record, Script

Format = Literal["9:16", "1:1", "16:9"]
"""Width to height, as in [plugins.render_video]."""
FORMATS: tuple[Format, ...] = get_args(Format)


class Row(Record):
    """One line of the file: a whole script, or its title, lines and language, or a source's path.

    `credit` is what the video names as its source.
    """

    script: Script | None = None
    title: str = ""
    lines: tuple[str, ...] = ()
    language: str = Field(default="", max_length=35)
    source: str = Field(default="", max_length=2000)
    credit: str = Field(default="", max_length=200)

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        given = (self.script is not None, bool(self.lines), bool(self.source))
        if sum(given) != 1:
            raise ValueError("give one of script, lines (with title and language) or source")
        if self.lines and not (self.title and self.language):
            raise ValueError("lines need a title and a language")
        return self

    @property
    def spoken(self) -> Script | None:
        """The script, unless it has yet to be written from a source."""
        if not self.lines:
            return self.script
        first, *others = self.lines
        kinds = [Line(text=first, kind="hook"), *(Line(text=one, kind="beat") for one in others)]
        return Script(
            title=self.title,
            lines=tuple(kinds),
            language=self.language,
            draft_kind="extractive",
            writer="batch",
            seconds_est=0.0,
        )


class Setup(Record):
    """What holds for all rows. Paths are absolute; `config` is the plug-ins' table.

    Without `formats` the size in [plugins.render_video] holds; `seconds` is the length of what is
    written from a source.
    """

    out: str
    work: str
    config: dict[str, Any] = Field(default_factory=dict)
    voice: str = "espeak"
    brand: str = "BookAI Studio"
    seconds: float = 35.0
    formats: tuple[Format, ...] = ()
    kit: BrandKit = BrandKit()


class Task(Record):
    """A row on its way to a worker; `digest` is that of all it depends on."""

    number: int
    digest: str
    row: Row


class Made(Record):
    """What a row came to: a line of results.jsonl.

    `files` are paths from the results' folder with their SHA-256; a video that did not pass its
    check keeps its files, is not `ok`, and `error` says which checks. `seconds` is wall time,
    `cpu_s` that of the processors, `peak_mib` the worker's largest memory so far.
    """

    row: int
    digest: str
    ok: bool
    files: dict[str, str] = Field(default_factory=dict)
    duration_s: float = 0.0
    seconds: float = 0.0
    cpu_s: float = 0.0
    peak_mib: float = 0.0
    error: str = ""
