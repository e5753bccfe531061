"""The finished track as a file: 16-bit stereo at 48 kHz."""

import os
import tempfile
import wave
from contextlib import suppress
from pathlib import Path

import numpy as np

from bookai.errors import OperatorNeeded
from tools.audio.loudness import SAMPLE_RATE, Samples


def write_wav(stereo: Samples, path: Path) -> None:
    """Write beside `path`, then rename: a reader never sees half a file.

    Raises:
        OperatorNeeded: the folder cannot be written.
    """
    whole = np.empty(stereo.shape[::-1], "<i2")
    for channel, samples in enumerate(stereo):
        whole[:, channel] = np.rint(np.clip(samples, -1, 1) * np.float32(32767))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".voice-", suffix=".wav")
        try:
            with open(handle, "wb") as file, wave.open(file, "wb") as out:
                out.setnchannels(2)
                out.setsampwidth(2)
                out.setframerate(SAMPLE_RATE)
                out.writeframes(whole.data)
            os.replace(temporary, path)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(temporary)
    except OSError as error:
        raise OperatorNeeded(
            f"{str(path)!r} cannot be written: {error.strerror}.",
            mend=f"Free some space or correct the rights of {str(path.parent)!r}, then retry.",
        ) from error
