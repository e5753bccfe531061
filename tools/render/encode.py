"""Write the MP4: H.264 by libx264 and AAC, both through PyAV, interleaved, faststart."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.error import FFmpegError
from av.video.stream import VideoStream

from bookai.errors import Refused
from tools.render.layout import Size
from tools.render.sprites import Frame

ENCODER = "libx264"
ENCODER_REASON = "libx264 on the CPU: no hardware encoder was tried in this version"
AUDIO_RATE = 48_000
AUDIO_BITS = 160_000
# Measured on our own frames: the lookahead keeps the grain where it stands still, at a third of
# the bits that plain ultrafast needs; without the grain gradients band. No B pictures: with them
# x264 (the one in PyAV 18) does not give the same bytes twice.
X264 = (
    "cabac=1:8x8dct=1:aq-mode=1:no-deblock=0:deblock=0,0:keyint=90:min-keyint=1"
    ":mbtree=1:rc-lookahead=10:bframes=0:weightp=0"
    ":colorprim=bt709:transfer=bt709:colormatrix=bt709:fullrange=off"
)
OPTIONS = {"preset": "ultrafast", "crf": "19", "x264-params": X264}


def write_video(
    path: Path,
    voice: Path,
    size: Size,
    frames: int,
    draw: Callable[[Frame, int], None],
    on_frame: Callable[[int], None],
) -> None:
    """Write `frames` pictures, each drawn by `draw(frame, n)`, with the voice track under them.

    Raises:
        Refused: the voice track is no sound file.
        OSError: the file cannot be written; a full disk has errno ENOSPC.
    """
    with ExitStack() as stack:
        sound = stack.enter_context(_Sound(voice))
        file = stack.enter_context(
            av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
        )
        video = file.add_stream(ENCODER, rate=size.fps, options=dict(OPTIONS))
        assert isinstance(video, VideoStream)
        _shape(video, size)
        audio = file.add_stream("aac", rate=AUDIO_RATE)
        assert isinstance(audio, AudioStream)
        audio.layout, audio.bit_rate = "stereo", AUDIO_BITS
        # The encoder copies a picture when it takes it, but may still read the last one.
        ring = [Frame(size.width, size.height) for _ in range(3)]
        for n in range(frames):
            frame = ring[n % len(ring)]
            draw(frame, n)
            picture = av.VideoFrame.from_numpy_buffer(frame.buffer, format="yuv420p")
            picture.pts, picture.time_base = n, Fraction(1, size.fps)
            file.mux(video.encode(picture))
            for part in sound.until((n + 1) * AUDIO_RATE // size.fps):
                file.mux(audio.encode(part))
            on_frame(n)
        file.mux(video.encode(None))
        file.mux(audio.encode(None))


def _shape(stream: VideoStream, size: Size) -> None:
    stream.width, stream.height, stream.pix_fmt = size.width, size.height, "yuv420p"
    context = stream.codec_context
    context.thread_count = 2
    context.time_base = Fraction(1, size.fps)
    # BT.709, limited range: numbers of ITU-T H.273.
    context.color_primaries = context.color_trc = context.colorspace = 1
    context.color_range = 1


class _Sound:
    """The voice track as stereo at 48 kHz, handed out piece by piece, silence after its end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._given = 0

    def __enter__(self) -> "_Sound":
        try:
            with av.open(str(self._path), options={"protocol_whitelist": "file"}) as file:
                resampler = AudioResampler(format="fltp", layout="stereo", rate=AUDIO_RATE)
                parts = [
                    out.to_ndarray()
                    for frame in file.decode(audio=0)
                    for out in resampler.resample(frame)
                ]
                parts += [out.to_ndarray() for out in resampler.resample(None)]
        except (FFmpegError, IndexError) as error:
            raise Refused(
                f"The voice track {self._path.name!r} is no sound file ({error}): speak it again."
            ) from error
        self._samples = np.concatenate([np.zeros((2, 0), np.float32), *parts], axis=1)
        return self

    def __exit__(self, *_: object) -> None:
        self._samples = self._samples[:, :0]

    def until(self, stop: int) -> Iterator[AudioFrame]:
        """Yield the samples up to number `stop` that were not handed out yet."""
        start, self._given = self._given, stop
        part = self._samples[:, start:stop]
        missing = stop - start - part.shape[1]
        part = np.pad(part, ((0, 0), (0, missing)))
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(part), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = AUDIO_RATE, start, Fraction(1, AUDIO_RATE)
        yield frame
