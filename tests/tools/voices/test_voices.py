"""What every voice keeps, and what the built-in one does with difficult text."""

# ruff: noqa: RUF001 (these are the marks that people type)

import asyncio
import os
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from bookai.errors import OperatorNeeded, Refused, ToolFailed
from tools.voices.base import Utterance, Voice, installed_voices
from tools.voices.espeak import LANGUAGES, VOICE, Espeak
from tools.voices.spoken.shown import shown_tokens


def assert_timed(line: str, utterance: Utterance, language: str = "en") -> None:
    assert [token.text for token in utterance.tokens] == shown_tokens(line, language)
    assert all(token.start_s < token.end_s for token in utterance.tokens)
    assert all(one.end_s <= two.start_s + 1e-9 for one, two in pairwise(utterance.tokens))
    assert utterance.tokens[0].start_s >= 0
    assert utterance.tokens[-1].end_s <= utterance.duration_s + 0.001


READY = [voice for voice in installed_voices().values() if voice.ready({})]


@pytest.mark.parametrize("voice", READY, ids=lambda voice: voice.name)
async def test_every_voice_times_every_shown_word(voice: Voice) -> None:
    language = "en" if "en" in voice.languages() else voice.languages()[0]

    spoken = await voice.speak(["One two three.", "Four, five!"], language, {})

    assert_timed("One two three.", spoken[0])
    assert_timed("Four, five!", spoken[1])
    assert all(float(np.abs(utterance.samples).max()) > 0.05 for utterance in spoken)


@pytest.mark.parametrize("voice", installed_voices().values(), ids=lambda voice: voice.name)
async def test_every_voice_refuses_a_language_it_lacks_and_says_what_there_is(
    voice: Voice,
) -> None:
    assert list(voice.languages()) == sorted(voice.languages())

    with pytest.raises(Refused, match=r"'xx'.*en") as caught:
        await voice.speak(["hello"], "xx", {})

    assert "no offline voice speaks" in str(caught.value)


@pytest.mark.parametrize(
    "line",
    [
        "It raised $2.9 million in the U.S. on May 27th, up 3.5% from 1,234.",
        "“Hello,” he said — it's 10-15 km away 😀.",
        "😀 🎉",
        "😀 starts and ends 🎉 🎉",
        "... — ...",
        "state-of-the-art re-election 24/7 #1 @bob https://example.com/a-b_c",
        "x" * 10_000,
        "before " + "word" * 2_500 + " after",
        "مرحبا بالعالم and English",
        "' : % \\ {b} <tag> [[x]] & \x07 \u200b",
        "a " * 300,
        "½ of 12² is Ⅷ 日本語",
    ],
)
async def test_every_shown_word_of_a_difficult_line_gets_its_time(line: str) -> None:
    (utterance,) = await VOICE.speak([line], "en", {})

    assert_timed(line, utterance)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_language_is_really_spoken(language: str) -> None:
    line = "Media 12 radio, 3.5% telefon $5 internet 😀 auto"

    (utterance,) = await VOICE.speak([line], language, {"rough": True})

    assert_timed(line, utterance, language)
    assert utterance.duration_s > 1.5


@pytest.mark.parametrize(
    ("language", "line"),
    [("ar", "مرحبا بالعالم، هذا اختبار قصير."), ("he", "שלום עולם, זה מבחן קצר.")],
)
async def test_right_to_left_words_stay_in_reading_order(language: str, line: str) -> None:
    (utterance,) = await VOICE.speak([line], language, {})

    assert_timed(line, utterance, language)
    assert min(token.end_s - token.start_s for token in utterance.tokens) > 0.1


@pytest.mark.parametrize(
    ("language", "line"),
    [
        ("zh", "2024年增长了3.5%，达到$12亿。iPhone 17的价格。"),
        ("ja", "コンニチハ、これは 2024ねんの テストです。iPhone 17は。"),
        ("th", "ในปี 2024 เพิ่มขึ้น 3.5% หรือ 12 กม."),
    ],
)
async def test_phrases_of_unspaced_writing_are_timed_and_are_the_line_again(
    language: str, line: str
) -> None:
    (utterance,) = await VOICE.speak([line], language, {"rough": True})

    assert_timed(line, utterance, language)
    assert "".join(token.text for token in utterance.tokens) == line
    assert len(utterance.tokens) >= 6
    assert min(token.end_s - token.start_s for token in utterance.tokens) > 0.05


async def test_a_language_that_the_engine_speaks_badly_is_spoken_only_when_asked_for() -> None:
    with pytest.raises(OperatorNeeded, match="'th'") as caught:
        await VOICE.speak(["สวัสดี"], "th", {})

    assert "Piper" in caught.value.mend


BLOCKS = "".join(chr(code) for code in range(0xA0, 0x30000, 2749) if not 0xD800 <= code < 0xE000)


@pytest.mark.parametrize("language", ["ar", "en", "hi", "ko", "th", "zh"])
async def test_no_letter_of_any_block_breaks_a_voice(language: str) -> None:
    lines = [
        BLOCKS,
        " ".join(BLOCKS[:20]),
        "\u200d\ufe0f\u0301" * 50,
        "0" * 300,
        "1,2.3-4–5/6:7" * 20,
    ]

    spoken = await VOICE.speak(lines, language, {"rough": True})

    for line, utterance in zip(lines, spoken, strict=True):
        assert_timed(line, utterance, language)


async def test_marks_of_markup_are_no_commands() -> None:
    plain, marked = [
        (await VOICE.speak([line], "en", {}))[0].duration_s
        for line in ("one two three", "<speak><break/> one two</speak> [[three]]")
    ]

    assert marked > plain


async def test_a_word_of_ten_thousand_letters_is_not_spelled_to_its_end() -> None:
    (utterance,) = await VOICE.speak(["x" * 10_000], "en", {})

    assert utterance.duration_s < 15


async def test_an_empty_line_is_short_and_silent() -> None:
    spoken = await VOICE.speak(["", "words", "  "], "en", {})

    assert [len(utterance.tokens) for utterance in spoken] == [0, 1, 0]
    assert spoken[0].duration_s == 0


async def test_the_same_text_sounds_the_same() -> None:
    first, second = [await VOICE.speak(["The same."], "en", {}) for _ in range(2)]

    assert np.array_equal(first[0].samples, second[0].samples)


async def test_the_pace_is_that_of_a_presenter() -> None:
    line = (
        "Government agencies often purchase commercial software because they expect to save money, "
        "yet the people responsible for running it rarely measure what it costs them afterwards."
    )

    (utterance,) = await VOICE.speak([line], "en", {})

    assert 145 <= len(utterance.tokens) / utterance.duration_s * 60 <= 185


async def test_a_speech_without_end_is_refused() -> None:
    with pytest.raises(Refused, match="longer than"):
        await VOICE.speak(["many words follow each other here. " * 200], "en", {})


@pytest.mark.parametrize("config", [{"wpm": 9000}, {"colour": "red"}, {"variant": "../x"}])
async def test_a_wrong_setting_names_its_table(config: dict[str, object]) -> None:
    with pytest.raises(OperatorNeeded, match=r"plugins\.espeak"):
        await VOICE.speak(["hello"], "en", config)


async def test_an_unknown_variant_is_said_by_name() -> None:
    with pytest.raises(ToolFailed, match="nobody"):
        await VOICE.speak(["hello"], "en", {"variant": "nobody"})


async def test_a_crash_of_the_engine_is_a_failed_tool() -> None:
    crashing = Espeak((sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"))

    with pytest.raises(ToolFailed, match="-9"):
        await crashing.speak(["hello"], "en", {})


async def test_an_engine_that_babbles_is_a_failed_tool() -> None:
    babbling = Espeak((sys.executable, "-c", "print('not json')"))

    with pytest.raises(ToolFailed):
        await babbling.speak(["hello"], "en", {})


async def test_a_speech_that_is_killed_with_9_leaves_no_file_behind(tmp_path: Path) -> None:
    pipe = tmp_path / "began"
    os.mkfifo(pipe)
    hang = f"import time; print('.', file=open({str(pipe)!r}, 'w')); time.sleep(60)"
    speak = (
        "import asyncio, sys; from tools.voices.espeak import Espeak; "
        f"asyncio.run(Espeak((sys.executable, '-c', {hang!r})).speak(['hello'], 'en', {{}}))"
    )
    place = tmp_path / "temporary"
    place.mkdir()
    speaker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", speak, env=os.environ | {"TMPDIR": str(place)}
    )
    await asyncio.to_thread(pipe.read_text)
    speaker.kill()
    await speaker.wait()

    assert list(place.iterdir()) == []


async def test_cancelling_ends_the_engine(tmp_path: Path) -> None:
    pipe = tmp_path / "pid"
    os.mkfifo(pipe)
    script = f"import os, time; print(os.getpid(), file=open({str(pipe)!r}, 'w')); time.sleep(60)"
    hanging = Espeak((sys.executable, "-c", script))

    task = asyncio.create_task(hanging.speak(["hello"], "en", {}))
    pid = int(await asyncio.to_thread(pipe.read_text))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
