"""What this machine and these settings can do; nothing is tried and nobody is called."""

from pathlib import Path

from bookai.errors import BookAIError
from bookai.house import VERSION
from bookai.settings import Settings
from mcp_server.rooms.sheets import Capabilities, Gpu, VoiceSpec
from studio.models.lineup import writers
from tools.ffmpeg.runner import find_ffmpeg
from tools.platforms.base import platforms
from tools.render.encoders.probe import Choice, kept_choice
from tools.render.encoders.recipes import CPU
from tools.render_video import ENCODERS
from tools.voices.base import Voice, installed_voices

DEVICES = Path("/dev")


def look(settings: Settings, devices: Path = DEVICES) -> Capabilities:
    """Return what is here; it reads the disk, so call it in a thread."""
    voices = sorted(installed_voices().items())
    choice = _encoder(settings)
    return Capabilities(
        version=VERSION,
        encoder=choice.name,
        encoder_reason=choice.reason,
        gpu=_gpu(devices, choice),
        ffmpeg=_has_ffmpeg(settings),
        voices=tuple(VoiceSpec(name=name, languages=_languages(voice)) for name, voice in voices),
        writers=writers(settings),
        platforms=tuple(sorted(platforms())),
        channels=tuple(sorted(settings.channels)),
        links=False,
    )


def _encoder(settings: Settings) -> Choice:
    """Return the encoder that the last render of a day ago or less found."""
    try:
        found = kept_choice(find_ffmpeg(settings.plugins), settings.work_dir / ENCODERS)
    except BookAIError:
        found = None
    return found or Choice(name=CPU, reason="none was tried yet: the next render tries them")


def _gpu(devices: Path, choice: Choice) -> Gpu:
    # The driver's device files tell whether there is a card without starting anything on it.
    found = any(devices.glob("nvidia[0-9]*")) or any(devices.glob("dri/renderD*"))
    why = choice.reason if found else "no graphics card was found: videos are made on the CPU"
    return Gpu(found=found, used=choice.hardware, why=why)


def _has_ffmpeg(settings: Settings) -> bool:
    try:
        find_ffmpeg(settings.plugins)
    except BookAIError:
        return False
    return True


def _languages(voice: Voice) -> tuple[str, ...]:
    try:
        return voice.languages()
    except BookAIError:
        return ()  # the engine is not installed: it speaks none
