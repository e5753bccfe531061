"""Who speaks when the wanted voice cannot, and what is told about it."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import numpy as np
import pytest

from bookai.errors import BookAIError, OperatorNeeded, Refused, ToolFailed, TryLater
from bookai.models import Fallback
from tools.voices._choir import Choir
from tools.voices.base import Utterance, Voice

LINES = ["Hello there."]


class Singer(Voice):
    """A voice that sings nothing, or fails as it was told to."""

    def __init__(self, name: str, *languages: str, error: BookAIError | None = None) -> None:
        self.name = name
        self.error = error
        self.asked = 0
        self.config: Mapping[str, Any] = {}
        self._languages = languages

    def languages(self) -> tuple[str, ...]:
        return self._languages

    async def speak(
        self, lines: Sequence[str], language: str, config: Mapping[str, Any]
    ) -> tuple[Utterance, ...]:
        self.asked += 1
        self.config = config
        if self.error is not None:
            raise self.error
        return tuple(Utterance(np.zeros(1, np.float32), 48_000, ()) for _ in lines)


class Hall:
    """Voices and a clock that the test moves."""

    def __init__(self, *voices: Singer) -> None:
        self.now = 1000.0
        self.choir = Choir({one.name: one for one in voices}, lambda: self.now, Random(1))

    async def hear(self, wanted: str, language: str = "en") -> tuple[str, Fallback | None]:
        spoken = await self.choir.speak(wanted, LINES, language, {"alto": {"wpm": 150}})
        self.now += 1.0
        assert len(spoken.utterances) == len(LINES)
        return spoken.voice, spoken.fallback


async def test_the_wanted_voice_speaks_whatever_the_others_are_like() -> None:
    hall = Hall(Singer("alto", "en"), Singer("bass", "en"))

    heard = [await hall.hear(wanted) for wanted in ("alto", "bass") * 10]

    assert heard == [("alto", None), ("bass", None)] * 10


async def test_a_missing_voice_is_stood_in_for_and_the_operator_told() -> None:
    hall = Hall(Singer("alto", "en"))

    voice, fallback = await hall.hear("nobody")

    assert voice == "alto"
    assert fallback == Fallback(
        what="voice", wanted="nobody", used="alto", why="there is no voice 'nobody', only alto"
    )


async def test_a_voice_that_breaks_is_stood_in_for_by_one_of_the_language() -> None:
    broken = Singer("alto", "de", "en", error=ToolFailed("alto broke."))
    hall = Hall(broken, Singer("bass", "de"), Singer("tenor", "en"))

    assert await hall.hear("alto") == (
        "tenor",
        Fallback(what="voice", wanted="alto", used="tenor", why="alto broke."),
    )


async def test_a_voice_that_breaks_again_and_again_is_left_alone_for_a_while() -> None:
    broken = Singer("alto", "en", error=OperatorNeeded("alto is not installed."))
    hall = Hall(broken, Singer("bass", "en"))

    heard = [await hall.hear("alto") for _ in range(6)]

    assert broken.asked == 3
    assert [voice for voice, _ in heard] == ["bass"] * 6
    assert all(fallback is not None and "open" in fallback.why for _, fallback in heard[3:])
    broken.error = None
    hall.now += 400.0
    assert await hall.hear("alto") == ("alto", None)


async def test_a_voice_of_another_language_is_not_asked() -> None:
    alto = Singer("alto", "de")
    hall = Hall(alto, Singer("bass", "en"))

    voice, fallback = await hall.hear("alto")

    assert (voice, alto.asked) == ("bass", 0)
    assert fallback is not None
    assert fallback.why == "it does not speak 'en'"


async def test_a_text_that_cannot_be_spoken_is_not_asked_of_everybody() -> None:
    bass = Singer("bass", "en")
    hall = Hall(Singer("alto", "en", error=Refused("too long.")), bass)

    with pytest.raises(Refused, match="too long"):
        await hall.hear("alto")

    assert bass.asked == 0


async def test_when_all_fail_the_last_ones_error_is_told() -> None:
    hall = Hall(
        Singer("alto", "en", error=ToolFailed("alto broke.")),
        Singer("bass", "en", error=TryLater("bass is busy.")),
    )

    with pytest.raises(TryLater, match="bass is busy"):
        await hall.hear("alto")


async def test_a_language_that_nobody_speaks_is_refused_with_those_there_are() -> None:
    with pytest.raises(Refused, match=r"no offline voice speaks 'ja'; there is de, en\."):
        await Hall(Singer("alto", "en"), Singer("bass", "de")).hear("alto", "ja")


async def test_a_voice_that_nobody_set_up_stands_in_for_none() -> None:
    class Unset(Singer):
        def ready(self, config: Mapping[str, Any]) -> bool:
            return bool(config)

    unset = Unset("bass", "en")
    hall = Hall(Singer("alto", "en", error=ToolFailed("alto broke.")), unset)

    with pytest.raises(ToolFailed, match="alto broke"):
        await hall.hear("alto")

    assert unset.asked == 0
    assert await hall.hear("bass") == ("bass", None)


async def test_each_voice_gets_its_own_settings() -> None:
    alto, bass = Singer("alto", "en"), Singer("bass", "en")
    hall = Hall(alto, bass)

    await hall.hear("alto")
    await hall.hear("bass")

    assert (alto.config, bass.config) == ({"wpm": 150}, {})
