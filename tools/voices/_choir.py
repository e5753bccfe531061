"""Who speaks: the wanted voice, and when it cannot, the best other one of the language."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

from bookai.errors import BookAIError, Refused, TryLater
from bookai.metrics import ROUTER_FALLBACKS, watch_router
from bookai.models import Fallback
from bookai.router import STEPS, Dispatcher, Lease, NobodyCan, Outcome, Router
from tools.voices.base import Utterance, Voice, installed_voices

logger = logging.getLogger(__name__)

# More than any voice takes: the wanted one is passed over only behind an open breaker.
WANTED_S = 1e6
# How able every voice is thought to be until it has spoken.
PROFICIENCY = 0.9
AT_ONCE = 16
WAIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Spoken:
    """What was said, and by whom; `fallback` when that is not who was wanted."""

    utterances: tuple[Utterance, ...]
    voice: str
    fallback: Fallback | None = None


class Choir:
    """Some voices, and what is known of each for as long as this lives."""

    def __init__(
        self, voices: Mapping[str, Voice], clock: Callable[[], float], rng: Random
    ) -> None:
        self._voices = voices
        self._clock = clock
        self._router = Router(STEPS, rng)
        self._dispatcher = Dispatcher(self._router, clock=clock)
        self._dispatcher.watch = watch_router("voice")
        for name, voice in voices.items():
            skills = dict.fromkeys(voice.languages(), PROFICIENCY)
            self._router.add(name, skills, capacity=AT_ONCE, now=clock())

    async def speak(
        self,
        wanted: str,
        lines: Sequence[str],
        language: str,
        config: Mapping[str, Mapping[str, Any]],
    ) -> Spoken:
        """Let the wanted voice speak; where it is missing or fails, the best other one.

        Raises:
            Refused: nobody speaks the language, or the text itself cannot be spoken.
            BookAIError: the last voice's own error, when all have failed.
        """
        failed: dict[str, BookAIError] = {}
        idle = self._idle(wanted, config)
        while True:
            lease = await self._next(wanted, language, failed, idle)
            voice = self._voices[lease.name]
            async with lease:
                try:
                    said = await voice.speak(lines, language, config.get(voice.name, {}))
                except Refused:
                    lease.end("refused")
                    raise  # it is about the text: another voice would say the same
                except BookAIError as error:
                    why = _outcome(error)
                    lease.end(why)
                    failed[voice.name] = error
                    ROUTER_FALLBACKS.labels("voice", why).inc()
                    logger.warning(
                        "The voice %s failed: %s",
                        voice.name,
                        error,
                        extra={"action": "voice_failed"},
                    )
                    continue
                lease.end("ok")
                return Spoken(said, voice.name, self._fallback(wanted, lease, failed))

    def _idle(self, wanted: str, config: Mapping[str, Mapping[str, Any]]) -> set[str]:
        """Return the voices that nobody set up; the wanted one tells itself what it lacks."""
        return {
            name
            for name, voice in self._voices.items()
            if name != wanted and not voice.ready(config.get(name, {}))
        }

    async def _next(
        self, wanted: str, language: str, failed: Mapping[str, BookAIError], idle: set[str]
    ) -> Lease:
        now = self._clock()
        for name in self._router.names:
            self._router.beat(name, now)  # they live in this process
        try:
            return await self._dispatcher.acquire(
                language,
                until=now + WAIT_S,
                exclude=failed.keys() | idle,
                favour={wanted: WANTED_S},
            )
        except NobodyCan as nobody:
            if failed:
                raise list(failed.values())[-1] from nobody
            spoken = sorted({code for voice in self._voices.values() for code in voice.languages()})
            raise Refused(
                f"no offline voice speaks {language!r}; there is {', '.join(spoken)}."
            ) from nobody

    def _fallback(
        self, wanted: str, lease: Lease, failed: Mapping[str, BookAIError]
    ) -> Fallback | None:
        """Return what to tell about a voice that stands in; None for the one that was wanted."""
        if lease.name == wanted:
            return None
        voice = self._voices.get(wanted)
        if wanted in failed:
            why = str(failed[wanted])
        elif voice is None:
            why = f"there is no voice {wanted!r}, only {', '.join(sorted(self._voices))}"
        elif lease.capability not in voice.languages():
            why = f"it does not speak {lease.capability!r}"
        else:
            why = next((one.excluded for one in lease.scores if one.name == wanted), None) or "busy"
        return Fallback(what="voice", wanted=wanted, used=lease.name, why=why)


@cache
def installed_choir() -> Choir:
    """Return the installed voices as this process knows them."""
    return Choir(installed_voices(), time.monotonic, Random())


def _outcome(error: BookAIError) -> Outcome:
    return "busy" if isinstance(error, TryLater) else "infra"
