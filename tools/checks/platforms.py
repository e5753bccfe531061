"""What each platform takes, read from `platforms.toml`, and whether a finished file keeps to it."""

import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from pydantic import Field

from bookai.models import Finding, Record

# Whoever only asks for caps need not load FFmpeg.
if TYPE_CHECKING:
    from tools.checks.probe import Probe

TABLE = Path(__file__).with_name("platforms.toml")
SHAPE_SLACK = 0.01
RATE_SLACK = 0.05

Evidence: TypeAlias = Literal["documented", "tried", "secondary", "assumed"]


class Fact(Record):
    """Something known, how well, and where it stands."""

    evidence: Evidence
    source: str = Field(min_length=1)
    note: str = ""


class Length(Fact):
    """Seconds."""

    least_s: float = Field(default=0.0, ge=0)
    most_s: float = Field(gt=0)


class Rate(Fact):
    """Frames a second."""

    least_fps: float = Field(gt=0)
    most_fps: float = Field(gt=0)


class Shape(Fact):
    """Width over height."""

    narrowest: float = Field(ge=0)
    widest: float = Field(gt=0)


class Sides(Fact):
    """The shorter and the longer side, pixels; `most` is None where only the least is told."""

    least: tuple[int, int]
    most: tuple[int, int] | None = None


class File(Fact):
    """The file's size."""

    most_bytes: int = Field(gt=0)


class Codecs(Fact):
    """Names as ffmpeg has them; none: nothing is said."""

    video: tuple[str, ...]
    audio: tuple[str, ...]


class Text(Fact):
    """Characters of a title and a caption, number of hashtags; 0: nothing is said."""

    title: int = Field(default=0, ge=0)
    caption: int = Field(default=0, ge=0)
    hashtags: int = Field(default=0, ge=0)


class Overlay(Fact):
    """Whether nothing of the channel's may lie over the picture: then the clean variant goes."""

    clean: bool


class PerDay(Fact):
    """Posts in 24 hours; `per` says whose are counted together: one account's, or an app's own."""

    most: int = Field(gt=0)
    per: Literal["account", "app"]


class Platform(Record):
    """One platform; what is not known about it is None. `as_of`: when it was looked up."""

    as_of: date
    length: Length | None = None
    rate: Rate | None = None
    shape: Shape | None = None
    sides: Sides | None = None
    file: File | None = None
    codecs: Codecs | None = None
    text: Text | None = None
    overlay: Overlay | None = None
    day: PerDay | None = None

    @property
    def clean(self) -> bool:
        """Whether only the clean variant may be published there."""
        return self.overlay is not None and self.overlay.clean


class Zones(Fact):
    """How much of a picture is covered at each side, as shares of its height or width."""

    top: float = Field(ge=0, lt=0.5)
    bottom: float = Field(ge=0, lt=0.5)
    left: float = Field(ge=0, lt=0.5)
    right: float = Field(ge=0, lt=0.5)


class Specs(Record):
    """The whole table."""

    zones: dict[Literal["vertical", "square", "wide"], Zones]
    platforms: dict[str, Platform]


@cache
def read_specs() -> Specs:
    """Return the table that comes along; it is read once."""
    return Specs.model_validate(tomllib.loads(TABLE.read_text(encoding="utf-8")))


def safe_box(width: int, height: int) -> tuple[int, int, int, int]:
    """Return the box (x, y, width, height) of a picture that no platform covers, pixels."""
    shape = width / height
    kind: Literal["vertical", "square", "wide"] = "square"
    if shape < 0.9:
        kind = "vertical"
    elif shape > 1.1:
        kind = "wide"
    zones = read_specs().zones[kind]
    left, top = round(zones.left * width), round(zones.top * height)
    return (
        left,
        top,
        width - left - round(zones.right * width),
        height - top - round(zones.bottom * height),
    )


def conforms(probe: "Probe", size_bytes: int, name: str, *, clean: bool = False) -> Finding:
    """Say whether a platform takes a file with these facts, and every limit that it passes.

    `clean` tells that a variant without anything laid over exists. A platform of which nothing is
    known, such as an operator's own, takes everything.
    """
    platform = read_specs().platforms.get(name)
    if platform is None:
        return Finding(check=f"platform_{name}", ok=True, detail="nothing is known about it")
    told = list(_compared(probe, size_bytes, platform))
    if platform.clean:
        made = "a clean variant was made" if clean else "no clean variant was made"
        told.append((clean, f"{made} (limit: nothing may be laid over the picture)"))
    wrong = [what for ok, what in told if not ok]
    said = "; ".join(wrong or [what for _, what in told]) or "no limit is known"
    return Finding(
        check=f"platform_{name}", ok=not wrong, detail=f"{said} (as of {platform.as_of})"
    )


def _compared(probe: "Probe", size_bytes: int, of: Platform) -> Iterator[tuple[bool, str]]:
    """Yield for each known limit whether it is kept, and the value with the limit."""
    width, height = probe.width, probe.height
    if of.length:
        least, most = of.length.least_s, of.length.most_s
        ok = least <= probe.duration_s <= most
        yield ok, f"{probe.duration_s:.1f} s (limit {least:g} to {most:g})"
    if of.rate:
        least, most = of.rate.least_fps, of.rate.most_fps
        ok = least - RATE_SLACK <= probe.fps <= most + RATE_SLACK
        yield ok, f"{probe.fps:g} frames a second (limit {least:g} to {most:g})"
    if of.shape:
        least, most = of.shape.narrowest, of.shape.widest
        ok = least - SHAPE_SLACK <= width / height <= most + SHAPE_SLACK
        yield ok, f"{width / height:.2f} times as wide as high (limit {least:g} to {most:g})"
    if of.sides:
        ok, told = _sides_kept(sorted((width, height)), of.sides)
        yield ok, f"{width}x{height} ({told})"
    if of.file:
        most = of.file.most_bytes
        yield size_bytes <= most, f"{size_bytes / 1e6:.1f} MB (limit {most / 1e6:.0f})"
    if of.codecs:
        for codec, taken in (
            (probe.video_codec, of.codecs.video),
            (probe.audio_codec, of.codecs.audio),
        ):
            if taken:
                yield codec in taken, f"{codec} (limit {' / '.join(taken)})"


def _sides_kept(found: Sequence[int], sides: Sides) -> tuple[bool, str]:
    short, long = found
    least_short, least_long = sides.least
    ok, told = least_short <= short and least_long <= long, f"limit {least_short}x{least_long}"
    if sides.most:
        most_short, most_long = sides.most
        return (
            ok and short <= most_short and long <= most_long,
            f"{told} to {most_short}x{most_long}",
        )
    return ok, f"{told} or more"


def reference() -> str:
    """Return the page of docs/reference about the table."""
    specs = read_specs()
    lines = [
        "# Platform specs",
        "",
        "What platforms take, as the check of a finished video knows it. This page is made from"
        " `tools/checks/platforms.toml`; to renew it:"
        " `python -m tools.checks.platforms > docs/reference/platform-specs.md`.",
        "",
        "Evidence: *documented* by the platform; *tried* against the real software; *secondary*:"
        " somebody else's page; *assumed*: not confirmed by anybody. Confirm the last two before"
        " you rely on them.",
    ]
    for name, platform in sorted(specs.platforms.items()):
        lines += ["", f"## {name}", "", f"As of {platform.as_of}."]
        rows = list(_rows(platform))
        if rows:
            lines += ["", "| limit | value | evidence | source |", "|---|---|---|---|", *rows]
    lines += ["", "## Covered parts of the picture", ""]
    lines += ["| format | top | bottom | left | right | evidence | source |", "|" + "---|" * 7]
    for kind, zones in specs.zones.items():
        shares = " | ".join(
            f"{share:.1%}" for share in (zones.top, zones.bottom, zones.left, zones.right)
        )
        lines.append(f"| {kind} | {shares} | {zones.evidence} | {zones.source} |")
    return "\n".join(lines) + "\n"


def _rows(platform: Platform) -> Iterator[str]:
    """Yield a line of the page for each fact."""
    for title, value, fact in _told(platform):
        note = f" ({fact.note})" if fact.note else ""
        yield f"| {title} | {value}{note} | {fact.evidence} | {fact.source} |"


def _told(of: Platform) -> Iterator[tuple[str, str, Fact]]:
    if of.length:
        yield "length", f"{of.length.least_s:g} to {of.length.most_s:g} s", of.length
    if of.rate:
        yield "frames a second", f"{of.rate.least_fps:g} to {of.rate.most_fps:g}", of.rate
    if of.shape:
        yield "width / height", f"{of.shape.narrowest:g} to {of.shape.widest:g}", of.shape
    if of.sides:
        told = " to ".join(
            "x".join(map(str, pair)) for pair in (of.sides.least, of.sides.most) if pair
        )
        yield "short x long side", f"{told} px", of.sides
    if of.file:
        yield "file", f"{of.file.most_bytes / 1e6:,.0f} MB", of.file
    if of.codecs:
        yield "codecs", ", ".join((*of.codecs.video, *of.codecs.audio)), of.codecs
    if of.text:
        yield "text", _lengths(of.text.model_dump()), of.text
    if of.overlay:
        yield "overlays", "forbidden" if of.overlay.clean else "allowed", of.overlay
    if of.day:
        yield "posts in 24 hours", f"{of.day.most} for each {of.day.per}", of.day


def _lengths(text: Mapping[str, object]) -> str:
    named = ("title", "caption", "hashtags")
    return ", ".join(f"{name} {text[name]}" for name in named if text[name])


if __name__ == "__main__":
    sys.stdout.write(reference())
