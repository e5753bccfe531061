"""Scripts for the shot compiler, from their sentences alone."""

from collections.abc import Callable

import pytest

from bookai.film.material import Material
from bookai.film.shots import Candidate
from bookai.models import Script
from tools.render.shots.compiler import candidates
from tools.render.shots.told import read

Shots = Callable[..., tuple[Candidate, ...]]


def script_of(*sentences: str, language: str = "en", title: str = "The Title") -> Script:
    return Script.model_validate(
        {
            "title": title,
            "lines": [{"text": text, "kind": "beat"} for text in sentences],
            "language": language,
            "draft_kind": "extractive",
            "writer": "test",
            "seconds_est": 3.0,
        }
    )


@pytest.fixture
def shots_of() -> Shots:
    """Return a sentence's candidates, best first, when it stands in the middle of a script."""

    def find(sentence: str, language: str = "en", source: str = "") -> tuple[Candidate, ...]:
        script = script_of("First.", sentence, "Last.", language=language)
        return candidates(read(script, Material(source=source))[1])

    return find
