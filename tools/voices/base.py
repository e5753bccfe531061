"""What a voice file exports: `VOICE`, one engine that turns lines into speech with word times."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bookai.plugins import load_plugins

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Token:
    """A word as it is shown (`shown_tokens`) and its times, seconds."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Utterance:
    """One spoken line: mono samples from -1 to 1 without silence around them, and its tokens.

    There is a token for every one of `shown_tokens`, in order; each begins where the one before it
    ended or later, and lasts longer than nothing.
    """

    samples: Samples
    sample_rate: int
    tokens: tuple[Token, ...]

    @property
    def duration_s(self) -> float:
        """How long it is heard, seconds."""
        return len(self.samples) / self.sample_rate


class Voice(ABC):
    """One engine. `config` is its own TOML table, validated by the voice itself."""

    name: str

    @abstractmethod
    def languages(self) -> tuple[str, ...]:
        """Return the ISO 639-1 codes it can speak, sorted."""

    def ready(self, config: Mapping[str, Any]) -> bool:
        """Whether it may stand in for another voice: it is installed, and set up for use."""
        return True

    @abstractmethod
    async def speak(
        self, lines: Sequence[str], language: str, config: Mapping[str, Any]
    ) -> tuple[Utterance, ...]:
        """Speak each line by itself, in order; cancelling stops the engine.

        Raises:
            Refused: `language` has no voice, or a line cannot be spoken.
            OperatorNeeded: the engine is not installed, or its settings are wrong.
            ToolFailed: the engine broke or took too long.
        """


@cache
def installed_voices() -> Mapping[str, Voice]:
    """Return every voice of this folder by its name.

    Raises:
        PluginError: a file here does not export a voice.
    """
    return load_plugins(import_module(__package__), "VOICE", Voice)
