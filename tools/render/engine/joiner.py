"""Put pictures and sound together: stream copy into an MP4 with its index in front."""

import io
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.stream import VideoStream

from bookai.errors import Refused
from tools.audio.loudness import Samples
from tools.render.engine.bits import is_key

AUDIO_RATE = 48_000
AUDIO_BITS = 160_000
PIECE = 1 << 16
if TYPE_CHECKING:  # generic for the type checker only
    AnyPacket = Packet[Any]


def write_sound(voice: Path, into: Path, duration_s: float) -> None:
    """Write the voice track as AAC, stereo at 48 kHz, `duration_s` long: silence after its end.

    Raises:
        Refused: the voice track is no sound file.
        OSError: the file cannot be written; a full disk has errno ENOSPC.
    """
    wanted = round(duration_s * AUDIO_RATE)
    with av.open(str(into), "w", format="mp4") as file:
        # A third of the time of the usual choices; at this rate nobody hears which ones they were.
        options = {"aac_coder": "fast", "aac_is": "0", "aac_ms": "0"}
        stream = file.add_stream("aac", rate=AUDIO_RATE, options=options)
        assert isinstance(stream, AudioStream)
        stream.layout, stream.bit_rate = "stereo", AUDIO_BITS
        given = 0
        for part in _with_silence(_decoded(voice), wanted):
            frame = AudioFrame.from_ndarray(part, format="fltp", layout="stereo")
            frame.sample_rate, frame.pts = AUDIO_RATE, given
            frame.time_base = Fraction(1, AUDIO_RATE)
            file.mux(stream.encode(frame))
            given += part.shape[1]
        file.mux(stream.encode(None))


def _with_silence(parts: Iterator[Samples], wanted: int) -> Iterator[Samples]:
    """Yield exactly `wanted` samples of the parts: cut, or silent after their end."""
    left = wanted
    for part in parts:
        if not part.shape[1]:
            continue
        yield np.ascontiguousarray(part[:, :left])
        left -= min(left, part.shape[1])
        if not left:
            return
    while left:
        yield np.zeros((2, min(left, PIECE)), np.float32)
        left -= min(left, PIECE)


def join(pictures: Sequence[bytes], sound: Path, into: Path, fps: int) -> None:
    """Write a film of access units (Annex B) and an MP4 of sound; both are copied as they are.

    Raises:
        OSError: the file cannot be written; a full disk has errno ENOSPC.
    """
    with ExitStack() as stack:
        # Read for its headers: the units are known already, and need not be searched for.
        rate = {"framerate": f"{fps}"}
        source = io.BytesIO(pictures[0])
        head = stack.enter_context(av.open(source, format="h264", options=rate))
        heard = stack.enter_context(av.open(str(sound)))
        assert isinstance(head, InputContainer)
        film = stack.enter_context(
            av.open(str(into), "w", format="mp4", options={"movflags": "+faststart"})
        )
        video = film.add_stream_from_template(head.streams.video[0])
        assert isinstance(video, VideoStream)
        video.time_base = Fraction(1, 90_000)
        audio = film.add_stream_from_template(heard.streams.audio[0])
        tones = _timed(heard.demux(audio=0))
        waiting = next(tones, None)
        step = Fraction(1, fps)
        for number, unit in enumerate(pictures):
            at_s = number / fps
            while waiting is not None and waiting[0] <= at_s:
                waiting[1].stream = audio
                film.mux(waiting[1])
                waiting = next(tones, None)
            packet: AnyPacket = Packet(unit)
            packet.is_keyframe = is_key(unit)
            packet.pts = packet.dts = number
            packet.time_base, packet.duration = step, 1
            packet.stream = video
            film.mux(packet)
        while waiting is not None:
            waiting[1].stream = audio
            film.mux(waiting[1])
            waiting = next(tones, None)


def _timed(packets: "Iterator[AnyPacket]") -> "Iterator[tuple[float, AnyPacket]]":
    for packet in packets:
        if packet.size and packet.dts is not None:
            unit = packet.time_base
            yield packet.dts * unit.numerator / unit.denominator, packet


def _decoded(path: Path) -> Iterator[Samples]:
    """Yield the track's samples as stereo at 48 kHz, in pieces of a second or so.

    Raises:
        Refused: it is no sound file.
    """
    waiting: list[Samples] = []
    try:
        with av.open(str(path), options={"protocol_whitelist": "file"}) as file:
            resampler = AudioResampler(format="fltp", layout="stereo", rate=AUDIO_RATE)
            for frame in chain(file.decode(audio=0), (None,)):
                waiting += [
                    np.asarray(out.to_ndarray(), np.float32) for out in resampler.resample(frame)
                ]
                if sum(part.shape[1] for part in waiting) >= PIECE or frame is None:
                    yield np.concatenate([np.zeros((2, 0), np.float32), *waiting], axis=1)
                    waiting = []
    except (FFmpegError, IndexError) as error:
        raise Refused(
            f"The voice track {path.name!r} is no sound file ({error}): speak it again."
        ) from error
