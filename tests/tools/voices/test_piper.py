"""The voice that speaks from the operator's own files."""

import asyncio
import sys
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bookai.errors import OperatorNeeded, Refused, ToolFailed
from tests.tools.voices.tiny_voice import HOP, HOPS_A_PHONEME, RATE, describe_voice, write_voice
from tools.voices.piper import VOICE

LINE = "It raised $2.9 million in the U.S. on May 27th, and more 🎉 came."


def needs_the_engine() -> None:
    for name in ("piper", "onnx"):
        pytest.importorskip(name)


@pytest.fixture
def described(tmp_path: Path) -> Path:
    """A voice file without a model in it, and its description."""
    path = tmp_path / "en.onnx"
    path.write_bytes(b"no model")
    describe_voice(path, "en")
    return path


async def test_a_real_voice_speaks_and_every_shown_word_has_its_time(tmp_path: Path) -> None:
    needs_the_engine()
    config = {"voices": {"en": str(write_voice(tmp_path, "en"))}}

    (utterance,) = await VOICE.speak([LINE], "en", config)

    assert [token.text for token in utterance.tokens] == LINE.split()
    assert all(token.start_s < token.end_s for token in utterance.tokens)
    assert all(one.end_s <= two.start_s + 1e-9 for one, two in pairwise(utterance.tokens))
    assert utterance.sample_rate == RATE
    assert utterance.duration_s > 40 * HOP * HOPS_A_PHONEME / RATE


async def test_a_real_voice_says_the_same_text_the_same_way_at_its_pace(tmp_path: Path) -> None:
    needs_the_engine()
    voices = {"en": str(write_voice(tmp_path, "en"))}

    first, second = [await VOICE.speak(["Say it."], "en", {"voices": voices}) for _ in range(2)]

    assert np.array_equal(first[0].samples, second[0].samples)


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({}, r"no voice for 'en'.*voices = \{ en = "),
        ({"voices": {"en": "en.onnx"}}, r"'en\.onnx' is no file"),
        ({"voices": {"en": "/nowhere/en.onnx"}}, "is no file"),
        ({"pace": 9}, r"plugins\.piper.*pace"),
        ({"voice": "en"}, r"plugins\.piper.*voice"),
    ],
)
async def test_what_the_operator_has_not_set_is_named(config: dict[str, Any], says: str) -> None:
    with pytest.raises(OperatorNeeded, match=says):
        await VOICE.speak(["Hello."], "en", config)


@pytest.mark.parametrize("description", ["", "[]", "{}", '{"espeak": 3}', "\x00"])
async def test_a_file_whose_description_is_none_is_named(described: Path, description: str) -> None:
    await asyncio.to_thread(Path(f"{described}.json").write_text, description)

    with pytest.raises(OperatorNeeded, match=r"en\.onnx\.json.*describe"):
        await VOICE.speak(["Hello."], "en", {"voices": {"en": str(described)}})


async def test_a_voice_of_another_language_does_not_speak(described: Path) -> None:
    describe_voice(described, "de")

    with pytest.raises(OperatorNeeded, match="speaks 'de', not 'en'"):
        await VOICE.speak(["Hello."], "en", {"voices": {"en": str(described)}})


async def test_without_the_engine_the_operator_is_told_to_install_it(described: Path) -> None:
    if find_spec("piper"):
        pytest.skip("the engine is installed here")

    with pytest.raises(OperatorNeeded) as caught:
        await VOICE.speak(["Hello."], "en", {"voices": {"en": str(described)}})

    assert "pip install piper-tts" in caught.value.mend


async def test_a_model_that_is_none_is_one_clear_error(described: Path) -> None:
    config = {"voices": {"en": str(described)}, "python": sys.executable}

    with pytest.raises(ToolFailed, match="piper broke"):
        await VOICE.speak(["Hello."], "en", config)


async def test_another_environments_python_must_be_there(described: Path) -> None:
    config = {"voices": {"en": str(described)}, "python": "/nowhere/python"}

    with pytest.raises(OperatorNeeded, match="python"):
        await VOICE.speak(["Hello."], "en", config)


async def test_a_language_without_voice_files_is_refused() -> None:
    with pytest.raises(Refused, match="no offline voice speaks 'xx'"):
        await VOICE.speak(["Hello."], "xx", {})


def test_it_stands_in_for_others_only_once_it_is_set_up() -> None:
    assert not VOICE.ready({})
    assert VOICE.ready({"voices": {"en": "/voices/en.onnx"}})
