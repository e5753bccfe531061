"""Which music lies under a video: the `[plugins.speak]` table says so."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from bookai.errors import OperatorNeeded
from bookai.models import Record
from tools.audio.bed import MoodName, synthesise
from tools.audio.mix import Music
from tools.audio.own import open_music

SYNTH, NONE = "synth", "none"


class SpeakConfig(Record):
    """`[plugins.speak]`: `music` is "synth", "none" or a sound file, which needs its licence.

    `mood` and `seed` are the synthesised music's: another seed is another channel's music.
    """

    music: str = Field(default=SYNTH, min_length=1)
    music_licence: str = Field(default="", max_length=300)
    mood: MoodName = "calm"
    seed: int = Field(default=0, ge=0)


def choose_music(config: Mapping[str, Any]) -> Music | None:
    """Return the music that the table asks for, or None for none.

    Raises:
        OperatorNeeded: the table is wrong, the file is no music, or its licence is not told.
    """
    settings = _settings(config)
    if settings.music == NONE:
        return None
    if settings.music == SYNTH:
        return synthesise(settings.mood, settings.seed)
    path = Path(settings.music)
    if not path.is_absolute():
        raise OperatorNeeded(
            f"[plugins.speak] music = {settings.music!r} is no whole path.",
            mend='Write it from / on, or set music = "synth" or "none".',
        )
    if not settings.music_licence.strip():
        raise OperatorNeeded(
            f"[plugins.speak] music = {settings.music!r} has no music_licence.",
            mend="Write who made it and by which licence it may be used in music_licence.",
        )
    return open_music(path, settings.music_licence.strip())


def _settings(config: Mapping[str, Any]) -> SpeakConfig:
    try:
        return SpeakConfig.model_validate(dict(config))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise OperatorNeeded(
            f"[plugins.speak] {where}: {first['msg'].lower()}.", mend="Correct it in studio.toml."
        ) from error
