"""A straightforward ffmpeg graph: moving pictures, crossfades, captions by libass, full audio."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

WIDTH, HEIGHT, FPS, FADE_S = 1080, 1920, 30, 0.4
HEAD = f"""[Script Info]
ScriptType: v4.00+
PlayResX: {WIDTH}
PlayResY: {HEIGHT}

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, OutlineColour, Bold, BorderStyle, Outline, \
Alignment, MarginL, MarginR, MarginV
Style: C,Montserrat,84,&H00FFFFFF,&H00101010,1,1,7,5,60,60,0

[Events]
Format: Layer, Start, End, Style, Text
"""
SOUND = (
    "[{voice}:a]aresample=48000,highpass=f=90,pan=stereo|c0=c0|c1=c0,asplit=2[vc][sc];"
    "[{music}:a]aresample=48000,volume=0.35[mu];"
    "[mu][sc]sidechaincompress=threshold=0.03:ratio=8:attack=15:release=300[duck];"
    "[vc][duck]amix=inputs=2:duration=first:normalize=0,"
    "loudnorm=I=-14:TP=-1.5:LRA=11,aresample=48000[ao]"
)


@dataclass(frozen=True, slots=True)
class Variant:
    """How the pictures move (`pan` by whole pixels, or `zoom`), and x264's preset."""

    motion: str
    preset: str


def command(ffmpeg: Path, material: Path, fonts: Path, out: Path, variant: Variant) -> list[str]:
    """Return the command; `material` holds the files that every peer gets."""
    pictures = sorted(material.glob("picture*.jpg"))
    seconds = json.loads((material / "facts.json").read_text())["seconds"]
    each = (seconds + FADE_S * (len(pictures) - 1)) / len(pictures)
    count = round(each * FPS)
    parts = [_moving(k, count, variant.motion) for k in range(len(pictures))]
    shown = "v0"
    for k in range(1, len(pictures)):
        starts = k * (count / FPS - FADE_S)
        parts.append(f"[{shown}][v{k}]xfade=duration={FADE_S}:offset={starts:.3f}[x{k}]")
        shown = f"x{k}"
    (material / "captions.ass").write_text(
        _ass(json.loads((material / "phrases.json").read_text()))
    )
    parts.append(f"[{shown}]ass=filename={material}/captions.ass:fontsdir={fonts}[vo]")
    parts.append(SOUND.format(voice=len(pictures), music=len(pictures) + 1))
    inputs = [*pictures, material / "voice.wav", material / "music.wav"]
    given = [one for path in inputs for one in ("-i", str(path))]
    x264 = ["-c:v", "libx264", "-preset", variant.preset, "-crf", "23", "-threads", "2"]
    rest = ["-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "128k", "-movflags", "+faststart"]
    return [
        *(str(ffmpeg), "-y", "-v", "error", "-nostdin", "-filter_complex_threads", "1"),
        *given,
        *("-filter_complex", ";".join(parts), "-map", "[vo]", "-map", "[ao]"),
        *(*x264, *rest, "-t", f"{seconds:.3f}", str(out)),
    ]


def _moving(k: int, count: int, motion: str) -> str:
    if motion == "zoom":
        moved = (
            f"scale={2 * WIDTH}:{2 * HEIGHT},zoompan=z='1+0.15*on/{count}':x='iw/2-iw/zoom/2'"
            f":y='ih/2-ih/zoom/2':d={count}:s={WIDTH}x{HEIGHT}:fps={FPS},format=yuv420p"
        )
    else:
        room = 2 * count + 2
        wide = round(WIDTH * (HEIGHT + room) / HEIGHT / 2) * 2
        moved = (
            f"scale={wide}:{HEIGHT + room}:flags=bicubic,format=yuv420p,"
            f"loop=loop=-1:size=1:start=0,trim=end_frame={count},setpts=N/({FPS}*TB),fps={FPS},"
            f"crop={WIDTH}:{HEIGHT}:(iw-ow)/2:'{'2*n' if k % 2 else f'{room}-2*n'}'"
        )
    return f"[{k}:v]{moved},setsar=1,settb=1/{FPS}[v{k}]"


def _ass(phrases: Sequence[tuple[str, float, float]]) -> str:
    events = []
    for text, start, end in phrases:
        # Braces and backslashes would be orders to libass.
        plain = text.replace("\\", "/").replace("{", "(").replace("}", ")")
        place = f"{{\\pos({WIDTH // 2},{round(HEIGHT * 0.7)})}}"
        events.append(f"Dialogue: 0,{_clock(start)},{_clock(end)},C,{place}{plain}")
    return HEAD + "\n".join(events) + "\n"


def _clock(seconds: float) -> str:
    whole, hundredths = divmod(round(seconds * 100), 100)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}.{hundredths:02d}"
