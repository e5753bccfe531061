"""Music that the operator brings: a file of any kind, with the licence it is used by."""

from functools import lru_cache
from itertools import chain
from pathlib import Path

import av
import numpy as np

from bookai.errors import OperatorNeeded
from tools.audio.loudness import FRAME, SAMPLE_RATE, Samples
from tools.audio.mix import Music

LONGEST_S = 240.0
SHORTEST_S = 4.0
LARGEST_BYTES = 200_000_000
SEAM_S = 1.0


def open_music(path: Path, licence: str) -> Music:
    """Return the operator's own music as one round, at most four minutes of it.

    Raises:
        OperatorNeeded: the file is not there, is no music or is too short.
    """
    try:
        stat = path.stat()
        if not path.is_file() or stat.st_size > LARGEST_BYTES:
            raise _wrong(path, f"no file of at most {LARGEST_BYTES // 1_000_000} MB")
    except OSError as error:
        raise _wrong(path, error.strerror or "cannot be read") from error
    return _open(path, licence, stat.st_mtime_ns)


@lru_cache(4)
def _open(path: Path, licence: str, changed_ns: int) -> Music:
    """Decode and measure the file once, and again when it was `changed_ns` at another time."""
    samples = _decode(path)
    if samples.shape[1] < SHORTEST_S * SAMPLE_RATE or not samples.any():
        raise _wrong(path, f"{samples.shape[1] / SAMPLE_RATE:.1f} s of sound, less than 4 s")
    return Music.of(_without_seam(samples), f"{path.name}: {licence}")


def _decode(path: Path) -> Samples:
    parts: list[Samples] = []
    count = 0
    options = {"protocol_whitelist": "file"}
    try:
        with av.open(str(path), options=options) as file:
            if not file.streams.audio:
                raise _wrong(path, "no sound in it")
            resampler = av.AudioResampler("fltp", "stereo", SAMPLE_RATE)
            for frame in chain(file.decode(file.streams.audio[0]), [None]):
                pieces = resampler.resample(frame)
                parts += [np.asarray(piece.to_ndarray(), np.float32) for piece in pieces]
                count += sum(piece.samples for piece in pieces)
                if count >= LONGEST_S * SAMPLE_RATE:
                    break
    except (av.FFmpegError, OSError, ValueError) as error:
        raise _wrong(path, f"no music file ({error})") from error
    whole = np.concatenate(parts, axis=1) if parts else np.zeros((2, 0), np.float32)
    return np.nan_to_num(whole[:, : round(LONGEST_S * SAMPLE_RATE)], posinf=0, neginf=0)


def _without_seam(samples: Samples) -> Samples:
    """Return the samples with their end faded over their beginning, so that they come round."""
    seam = round(SEAM_S * SAMPLE_RATE) // FRAME * FRAME
    rise = np.sin(np.linspace(0, np.pi / 2, seam, dtype=np.float32))
    out = samples[:, :-seam].astype(np.float32)
    out[:, :seam] = out[:, :seam] * rise + samples[:, -seam:] * rise[::-1]
    return np.ascontiguousarray(out)


def _wrong(path: Path, why: str) -> OperatorNeeded:
    return OperatorNeeded(
        f"[plugins.speak] music = {str(path)!r}: {why}.",
        mend='Name a sound file that exists, or set music = "synth" in studio.toml.',
    )
