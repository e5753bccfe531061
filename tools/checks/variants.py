"""Check the film in its other formats: what they share with the main file is not measured twice.

Their sound must be the main file's, packet by packet. Of their pictures the key frames are looked
at, of which each scene has at least one: the rest is the main file's timeline.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import av
from av.error import FFmpegError

from bookai.models import Finding, Render, Variant
from tools.checks.limits import Limits
from tools.checks.pixels import zones
from tools.checks.platforms import safe_box
from tools.checks.probe import judge_bytes, judge_order, judge_streams, read_probe
from tools.checks.watch import BLACK_SHARE, BLACK_TONE, STEP, Luma, luma_of
from tools.checks.writing import has_text, is_text, text_rows
from tools.render.layout import Layout, Size

MOST_KEYS = 40
MOST_NOTICES = 3
MOST_DECODED = 1800
_OPTIONS = {"protocol_whitelist": "file"}


def sound_of(video: Path) -> str:
    """Return the SHA-256 over a file's sound packets.

    Raises:
        ValueError: it has no sound that can be read.
    """
    digest = hashlib.sha256()
    try:
        with av.open(str(video), options=dict(_OPTIONS)) as file:
            for packet in file.demux(file.streams.audio[0]):
                digest.update(bytes(packet))
    except (FFmpegError, IndexError) as error:
        raise ValueError(f"the sound is not readable: {error}") from error
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Main:
    """What a variant is compared with: the main file's facts.

    `sound` is what `sound_of` says of it, `notices` are the frames in which it shows a disclosure.
    """

    render: Render
    sound: str
    notices: Sequence[int] = ()


def judge_variant(variant: Variant, video: Path, main: Main, limits: Limits) -> Finding:
    """Say in one finding whether a variant may go where the main file goes."""
    render = main.render
    size = (variant.width, variant.height)
    own = limits.model_copy(update={"width": size[0], "height": size[1]})
    try:
        probe = read_probe(video)
        findings = judge_streams(probe, size, render.fps, own)
        off_s = abs(probe.duration_s - render.duration_s)
        findings += [
            judge_order(video),
            judge_bytes("sha256", video, variant.sha256),
            Finding(
                check="duration",
                ok=off_s <= limits.duration_slack_s,
                detail=f"{off_s:.2f} s off the main file's (limit {limits.duration_slack_s:g} s)",
            ),
            _judge_sound(sound_of(video), main.sound),
            *_judge_keys(video, size, render.fps, limits),
            *_judge_notices(video, size, main, limits),
        ]
    except (ValueError, FFmpegError) as error:
        return Finding(check=f"variant_{variant.name}", ok=False, detail=f"{error}")
    wrong = [f"{finding.check}: {finding.detail}" for finding in findings if not finding.ok]
    kept = f"{size[0]}x{size[1]}, all {len(findings)} checks kept"
    return Finding(check=f"variant_{variant.name}", ok=not wrong, detail="; ".join(wrong) or kept)


def _judge_sound(found: str, wanted: str) -> Finding:
    ok = found == wanted
    said = "the main file's" if ok else f"{found[:12]}… instead of the main file's {wanted[:12]}…"
    return Finding(check="sound", ok=ok, detail=said)


def _judge_keys(
    video: Path, size: tuple[int, int], fps: int, limits: Limits
) -> tuple[Finding, Finding, Finding]:
    """Look at the key frames: for black, captions, and writing at the edges."""
    captions = Layout(Size(width=size[0], height=size[1], fps=fps)).captions
    safe, side = safe_box(*size), min(size)
    seen = black = captioned = 0
    strays: list[str] = []
    for luma in _key_frames(video):
        seen += 1
        small = luma[::STEP, ::STEP]
        black += bool((small <= BLACK_TONE).mean() >= BLACK_SHARE)
        captioned += has_text(_cut(luma, captions), side)
        strays += [
            name
            for name, box in zones(size, safe).items()
            if is_text(text_rows(_cut(luma, box), side), side)
        ]
    share = limits.captions_share
    return (
        Finding(check="black", ok=not black, detail=f"{black} of {seen} key frames (limit 0)"),
        Finding(
            check="captions",
            ok=bool(seen) and captioned >= share * seen,
            detail=f"text seen in {captioned} of {seen} key frames (limit {share:.0%})",
        ),
        Finding(
            check="safe_areas",
            ok=len(strays) <= limits.strays,
            detail=f"{len(strays)} writings outside the safe part (limit {limits.strays})",
        ),
    )


def _judge_notices(
    video: Path, size: tuple[int, int], main: Main, limits: Limits
) -> Iterator[Finding]:
    """Look for the disclosure at some of the moments at which the main file shows it."""
    if not main.notices:
        return
    fps = main.render.fps
    notice = Layout(Size(width=size[0], height=size[1], fps=fps)).notice
    wanted = sorted(main.notices)[:: max(1, len(main.notices) // MOST_NOTICES)][:MOST_NOTICES]
    seen = sum(has_text(_cut(luma, notice), min(size)) for luma in _frames(video, wanted, fps))
    share = limits.disclosure_share
    yield Finding(
        check="disclosure",
        ok=seen >= share * len(wanted),
        detail=f"text seen in {seen} of {len(wanted)} frames looked at (limit {share:.0%})",
    )


def _frames(video: Path, wanted: Sequence[int], fps: int) -> Iterator[Luma]:
    """Yield the luma of some frames, by their numbers in order; it is only lent."""
    with av.open(str(video), options=dict(_OPTIONS)) as file:
        stream = file.streams.video[0]
        stream.thread_type = "NONE"
        if stream.time_base:
            file.seek(int(wanted[0] / fps / stream.time_base), stream=stream)
        for picture in islice(file.decode(stream), MOST_DECODED):
            number = round((picture.time or 0.0) * fps)
            if number in wanted:
                yield luma_of(picture)
            if number >= wanted[-1]:
                return


def _key_frames(video: Path) -> Iterator[Luma]:
    """Yield the luma of the key frames, which is only lent."""
    with av.open(str(video), options=dict(_OPTIONS)) as file:
        stream = file.streams.video[0]
        stream.thread_type = "NONE"
        stream.codec_context.skip_frame = "NONKEY"
        for picture in islice(file.decode(stream), MOST_KEYS):
            yield luma_of(picture)


def _cut(luma: Luma, box: tuple[int, int, int, int]) -> Luma:
    x, y, width, height = box
    return luma[y : y + height, x : x + width]
