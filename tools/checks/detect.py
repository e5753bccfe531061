"""One ffmpeg pass over the whole file: black, still and silent stretches, loudness, and frames.

The graph is only described here (ffmpeg-python gives the argument list); the runner runs it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import ffmpeg

from bookai.models import Finding
from tools.checks.limits import Limits

Stretch = tuple[float, float]

# Black and still pictures show at a tenth of the frames and a quarter of the width as well.
LOOK_FPS = 10
LOOK_WIDTH = 270
SHORTEST_STILL_S = 1.0
SHORTEST_BLACK_S = 0.2
SHORTEST_SILENCE_S = 0.5
NOISE_FLOOR = "-50dB"

_NUMBER = r"(-?(?:\d+\.?\d*|inf|nan))"
_BROKEN = re.compile(
    r"error while decoding|invalid data found|corrupt|concealing|decode_slice|partial file", re.I
)


@dataclass(frozen=True, slots=True)
class Crop:
    """A box of the picture: its corner and its size, pixels."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Measured:
    """What the pass found; stretches are (begin, end) in seconds."""

    black: tuple[Stretch, ...]
    still: tuple[Stretch, ...]
    silent: tuple[Stretch, ...]
    loudness_lufs: float
    true_peak_dbtp: float
    complaints: tuple[str, ...]


def detector_arguments(video: Path, frames: Sequence[int], crop: Crop, into: Path) -> list[str]:
    """Return ffmpeg's arguments for the pass.

    The luma of `crop` in each frame numbered in `frames` is written to the file `into`, one after
    the other, a byte a pixel.
    """
    source = ffmpeg.input(str(video), protocol_whitelist="file")
    picture = source.video
    outputs = []
    if frames:
        branches = picture.filter_multi_output("split")
        picture = branches[0]
        wanted = "+".join(f"eq(n,{number})" for number in sorted(set(frames)))
        luma = (
            branches[1]
            .filter("select", wanted)
            .filter("extractplanes", "y")
            .filter("crop", crop.width, crop.height, crop.x, crop.y)
        )
        options = {"f": "rawvideo", "pix_fmt": "gray", "fps_mode": "passthrough"}
        outputs.append(ffmpeg.output(luma, str(into), **options))
    picture = (
        picture.filter("fps", LOOK_FPS)
        .filter("scale", LOOK_WIDTH, -2, flags="fast_bilinear")
        .filter("blackdetect", d=SHORTEST_BLACK_S, pic_th=0.99, pix_th=0.05)
        .filter("freezedetect", n="-60dB", d=SHORTEST_STILL_S)
    )
    sound = source.audio.filter("ebur128", peak="true", framelog="quiet").filter(
        "silencedetect", noise=NOISE_FLOOR, d=SHORTEST_SILENCE_S
    )
    outputs.append(ffmpeg.output(picture, sound, "-", f="null"))
    compiled: list[str] = ffmpeg.merge_outputs(*outputs).overwrite_output().compile()
    return compiled[1:]


def read_log(log: Sequence[str], duration_s: float) -> Measured:
    """Read the detectors' lines; a stretch that was never closed lasts to the end.

    Raises:
        ValueError: the loudness meter said nothing, so the sound was not measured.
    """
    text = "\n".join(log)
    summary = text.rpartition("Summary:")[2]
    loudness = re.search(rf"\bI:\s+{_NUMBER} LUFS", summary)
    peak = re.search(rf"\bPeak:\s+{_NUMBER} dBFS", summary)
    if loudness is None or peak is None:
        raise ValueError("ffmpeg's loudness meter said nothing")
    return Measured(
        black=_stretches(text, "black_start:", "black_end:", duration_s),
        still=_stretches(text, "freeze_start: ", "freeze_end: ", duration_s),
        silent=_stretches(text, "silence_start: ", "silence_end: ", duration_s),
        loudness_lufs=float(loudness[1]),
        true_peak_dbtp=float(peak[1]),
        complaints=tuple(line for line in log if _BROKEN.search(line)),
    )


def _stretches(text: str, start: str, end: str, duration_s: float) -> tuple[Stretch, ...]:
    begins = [float(found) for found in re.findall(re.escape(start) + _NUMBER, text)]
    ends = [float(found) for found in re.findall(re.escape(end) + _NUMBER, text)]
    ends += [duration_s] * (len(begins) - len(ends))
    return tuple((max(0.0, begin), end_s) for begin, end_s in zip(begins, ends, strict=False))


def judge_measured(measured: Measured, duration_s: float, limits: Limits) -> list[Finding]:
    """Compare what the pass found with the limits."""
    black = _longest(measured.black)
    still = _longest(measured.still)
    silence = _longest(measured.silent)
    share = sum(end - begin for begin, end in measured.still) / max(duration_s, 0.001)
    off_lu = abs(measured.loudness_lufs - limits.loudness_lufs)
    complaints = measured.complaints
    return [
        Finding(
            check="decode",
            ok=not complaints,
            detail=f"{len(complaints)} broken places (limit 0)"
            + (f", first: {complaints[0][:120]}" if complaints else ""),
        ),
        Finding(
            check="black",
            ok=black <= limits.longest_black_s,
            detail=f"longest black stretch {black:.1f} s (limit {limits.longest_black_s:g} s)",
        ),
        Finding(
            check="still",
            ok=still <= limits.longest_still_s and share <= limits.still_share,
            detail=f"longest still stretch {still:.1f} s (limit {limits.longest_still_s:g} s), "
            f"{share:.0%} of the video (limit {limits.still_share:.0%})",
        ),
        Finding(
            check="silence",
            ok=silence <= limits.longest_silence_s,
            detail=f"longest silence {silence:.1f} s (limit {limits.longest_silence_s:g} s)",
        ),
        Finding(
            check="loudness",
            ok=off_lu <= limits.loudness_slack_lu,
            detail=f"{measured.loudness_lufs:.1f} LUFS (limit {limits.loudness_lufs:g} "
            f"+- {limits.loudness_slack_lu:g})",
        ),
        Finding(
            check="true_peak",
            ok=measured.true_peak_dbtp <= limits.true_peak_dbtp,
            detail=f"{measured.true_peak_dbtp:.1f} dBTP (limit {limits.true_peak_dbtp:g})",
        ),
    ]


def _longest(stretches: Sequence[Stretch]) -> float:
    return max((end - begin for begin, end in stretches), default=0.0)
