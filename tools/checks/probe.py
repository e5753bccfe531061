"""What kind of file it really is: streams, sizes and order of its parts, read from the file."""

import hashlib
import struct
from dataclasses import dataclass
from pathlib import Path

import av
from av.error import FFmpegError
from PIL import Image, UnidentifiedImageError

from bookai.models import Finding
from tools.checks.limits import Limits

FORMATS = ((1080, 1920), (1080, 1080), (1920, 1080))
PROFILES = ("Constrained Baseline", "Baseline", "Main", "High")
MOST_PIXELS = 8_400_000
LONGEST_S = 1200.0
_UNREADABLE = (
    OSError,
    UnidentifiedImageError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)


@dataclass(frozen=True, slots=True)
class Probe:
    """The facts of a video file. Times are seconds; `*_start_s` are the streams' first times."""

    container: str
    streams: tuple[str, ...]
    video_codec: str
    profile: str
    pix_fmt: str
    width: int
    height: int
    fps: float
    audio_codec: str
    sample_rate: int
    channels: int
    duration_s: float
    video_start_s: float
    audio_start_s: float
    video_length_s: float
    audio_length_s: float


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_probe(path: Path) -> Probe:
    """Read the facts.

    Raises:
        ValueError: it is no video file with one picture and one sound stream.
    """
    try:
        with av.open(str(path), options={"protocol_whitelist": "file"}) as file:
            if len(file.streams.video) != 1 or len(file.streams.audio) != 1:
                found = ", ".join(stream.type for stream in file.streams) or "nothing"
                raise ValueError(f"one video and one audio stream are wanted, found {found}")
            return _facts(file, file.streams.video[0], file.streams.audio[0])
    except FFmpegError as error:
        raise ValueError(f"it is not readable as a video: {error.strerror}") from error


def _facts(
    file: av.container.InputContainer, video: av.VideoStream, audio: av.AudioStream
) -> Probe:
    context = video.codec_context
    return Probe(
        container=file.format.name,
        streams=tuple(stream.type for stream in file.streams),
        video_codec=context.name,
        profile=str(video.profile or ""),
        pix_fmt=str(context.pix_fmt or ""),
        width=context.width,
        height=context.height,
        fps=float(video.average_rate or 0),
        audio_codec=audio.codec_context.name,
        sample_rate=int(audio.codec_context.sample_rate or 0),
        channels=audio.codec_context.channels,
        duration_s=(file.duration or 0) / av.time_base,
        video_start_s=float((video.start_time or 0) * (video.time_base or 0)),
        audio_start_s=float((audio.start_time or 0) * (audio.time_base or 0)),
        video_length_s=float((video.duration or 0) * (video.time_base or 0)),
        audio_length_s=float((audio.duration or 0) * (audio.time_base or 0)),
    )


def top_atoms(path: Path) -> tuple[str, ...]:
    """Return the names of an MP4 file's outermost parts in their order.

    Raises:
        ValueError: the parts do not add up to the file.
    """
    size = path.stat().st_size
    names: list[str] = []
    at = 0
    with path.open("rb") as file:
        while at < size:
            file.seek(at)
            head = file.read(16)
            if len(head) < 8:
                raise ValueError(f"{size - at} bytes hang over at its end")
            length, name = struct.unpack(">I4s", head[:8])
            if length == 1 and len(head) == 16:
                length = struct.unpack(">Q", head[8:])[0]
            elif length == 0:
                length = size - at
            if length < 8 or at + length > size:
                raise ValueError(f"its part {name!r} says {length} bytes at {at} of {size}")
            names.append(name.decode("latin-1"))
            at += length
    return tuple(names)


def judge_amount(probe: Probe) -> Finding | None:
    """Return a finding where there is more to decode than any video of ours has, else None."""
    pixels = probe.width * probe.height
    if 0 < pixels <= MOST_PIXELS and probe.duration_s <= LONGEST_S:
        return None
    return Finding(
        check="decode",
        ok=False,
        detail=f"not decoded: {probe.width}x{probe.height}, {probe.duration_s:.0f} s "
        f"(limit {MOST_PIXELS / 1e6:g} million pixels, {LONGEST_S:g} s)",
    )


def judge_streams(
    probe: Probe, promised: tuple[int, int], fps: int, limits: Limits
) -> list[Finding]:
    """Compare the facts with the `promised` size and rate, and with what platforms take."""
    apart_s = abs(probe.video_start_s - probe.audio_start_s)
    odd_s = abs(probe.video_length_s - probe.audio_length_s)
    return [
        Finding(
            check="container", ok="mp4" in probe.container, detail=f"{probe.container} (limit mp4)"
        ),
        *_judge_codecs(probe),
        _judge_size(probe, promised, limits),
        Finding(
            check="frame_rate",
            ok=abs(probe.fps - fps) < 0.05,
            detail=f"{probe.fps:.2f} frames a second (limit {fps}, as promised)",
        ),
        Finding(
            check="av_start",
            ok=apart_s <= limits.av_start_s,
            detail=f"picture and sound begin {apart_s:.3f} s apart (limit {limits.av_start_s:g} s)",
        ),
        Finding(
            check="av_length",
            ok=odd_s <= limits.av_length_s,
            detail=f"picture and sound differ by {odd_s:.3f} s in length "
            f"(limit {limits.av_length_s:g} s)",
        ),
    ]


def _judge_codecs(probe: Probe) -> list[Finding]:
    picture = f"{probe.video_codec} {probe.profile}, {probe.pix_fmt}"
    sound = f"{probe.audio_codec}, {probe.sample_rate} Hz, {probe.channels} channels"
    return [
        Finding(
            check="video_stream",
            ok=probe.video_codec == "h264"
            and probe.profile in PROFILES
            and probe.pix_fmt == "yuv420p",
            detail=f"{picture} (limit h264 {' / '.join(PROFILES)}, yuv420p)",
        ),
        Finding(
            check="audio_stream",
            ok=probe.audio_codec == "aac"
            and probe.sample_rate in (44_100, 48_000)
            and probe.channels in (1, 2),
            detail=f"{sound} (limit aac, 44100 or 48000 Hz, 1 or 2 channels)",
        ),
    ]


def _judge_size(probe: Probe, promised: tuple[int, int], limits: Limits) -> Finding:
    """Check the size; the operator's own limit stands in place of the three formats."""
    found = (probe.width, probe.height)
    taken = [
        (limits.width or width, limits.height or height)
        for width, height in (FORMATS if not (limits.width and limits.height) else FORMATS[:1])
    ]
    told = ", ".join(f"{width}x{height}" for width, height in taken)
    return Finding(
        check="size",
        ok=found in taken and found == promised,
        detail=f"{probe.width}x{probe.height}, promised {promised[0]}x{promised[1]} (limit {told})",
    )


def judge_order(path: Path) -> Finding:
    """Check that players can start before the whole file has come (moov before mdat)."""
    try:
        atoms = top_atoms(path)
    except ValueError as error:
        return Finding(check="faststart", ok=False, detail=f"{error}")
    ok = "moov" in atoms and "mdat" in atoms and atoms.index("moov") < atoms.index("mdat")
    return Finding(
        check="faststart", ok=ok, detail=f"order {' '.join(atoms)} (limit moov before mdat)"
    )


def judge_bytes(check: str, path: Path, promised: str) -> Finding:
    """Check that a file has exactly the bytes that were promised."""
    found = sha256_of(path)
    said = "as promised" if found == promised else f"but {promised[:12]}… was promised"
    return Finding(check=check, ok=found == promised, detail=f"SHA-256 {found[:12]}…, {said}")


def judge_thumbnail(path: Path, size: tuple[int, int]) -> Finding:
    """Check that the thumbnail is a JPEG or PNG of the video's shape that can be decoded."""
    wanted = f"limit JPEG or PNG shaped like {size[0]}x{size[1]}"
    try:
        with Image.open(path, formats=("JPEG", "PNG")) as image:
            width, height = image.size
            if width * height > MOST_PIXELS:
                return Finding(
                    check="thumbnail", ok=False, detail=f"{width}x{height} is too large ({wanted})"
                )
            image.load()
            kind = image.format
    except (*_UNREADABLE, ValueError, SyntaxError) as error:
        return Finding(check="thumbnail", ok=False, detail=f"not readable: {error} ({wanted})")
    shape = abs(width / height - size[0] / size[1]) < 0.01
    return Finding(check="thumbnail", ok=shape, detail=f"{kind} of {width}x{height} ({wanted})")
