import asyncio
import os
import re
import wave
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import pytest

from bookai.errors import OperatorNeeded, Refused
from bookai.models import Line, Script, Voiceover
from tools.base import Desk, Fetched, ToolContext
from tools.ffmpeg.runner import find_ffmpeg, run_ffmpeg
from tools.speak import (
    AFTER_S,
    LEAD_S,
    LEAST_TAIL_S,
    LONGEST_S,
    PAUSES_S,
    TAIL_S,
    TOOL,
    speak,
    track_s,
)

Kind = Literal["hook", "beat", "quote", "cta", "disclosure"]


def context(work_dir: Path, config: Mapping[str, Any] | None = None) -> ToolContext:
    async def no_network(url: str, *, accept: str = "*/*") -> Fetched:
        raise Refused(url)

    async def no_progress(fraction: float, message: str) -> None:
        assert 0 <= fraction <= 1

    return ToolContext(
        desk=cast(Desk, None),
        fetch=no_network,
        work_dir=work_dir,
        gallery_dir=work_dir / "gallery",
        principal="test",
        progress=no_progress,
        config=config or {},
    )


def script(*lines: tuple[Kind, str], language: str = "en") -> Script:
    return Script(
        title="A script",
        lines=tuple(Line(text=text, kind=kind) for kind, text in lines),
        language=language,
        draft_kind="extractive",
        writer="test",
        seconds_est=10,
    )


SHORT = script(
    ("hook", "A hacker stole $2.9 million from one U.S. town."),
    ("beat", "It happened on August 27th, and 3.5% came back."),
    ("cta", "Follow for more 🎉"),
)
WITHOUT_MUSIC = {"speak": {"music": "none"}}
A_BEAT: tuple[Kind, str] = ("beat", "This sentence is said again and again and again.")


def heard(voiceover: Voiceover) -> np.ndarray[Any, np.dtype[np.float64]]:
    with wave.open(voiceover.path) as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (48_000, 2, 2)
        data = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    return data.reshape(-1, 2)[:, 0] / 32768


async def test_the_words_are_those_shown_in_order_with_their_lines(tmp_path: Path) -> None:
    voiceover = await speak(context(tmp_path), 7, SHORT, "espeak")

    assert [(word.line, word.text) for word in voiceover.words] == [
        (number, token) for number, line in enumerate(SHORT.lines) for token in line.text.split()
    ]
    assert all(word.start_s < word.end_s for word in voiceover.words)
    assert all(one.end_s <= two.start_s + 1e-9 for one, two in pairwise(voiceover.words))


async def test_the_track_is_in_the_jobs_folder_and_as_long_as_it_says(tmp_path: Path) -> None:
    voiceover = await speak(context(tmp_path), 7, SHORT, "espeak")

    assert voiceover.path == f"{tmp_path}/7/voice.wav"
    assert len(heard(voiceover)) / 48_000 == pytest.approx(voiceover.duration_s)
    assert os.listdir(tmp_path / "7") == ["voice.wav"]


async def test_silence_is_ours_before_after_and_between_the_lines(tmp_path: Path) -> None:
    voiceover = await speak(context(tmp_path), 7, SHORT, "espeak")

    gaps = [
        two.start_s - one.end_s for one, two in pairwise(voiceover.words) if one.line != two.line
    ]
    assert voiceover.words[0].start_s == pytest.approx(LEAD_S, abs=0.02)
    assert voiceover.duration_s - voiceover.words[-1].end_s == pytest.approx(TAIL_S, abs=0.05)
    assert gaps == [
        pytest.approx(PAUSES_S["hook"], abs=0.06),
        pytest.approx(PAUSES_S["beat"], abs=0.06),
    ]


async def test_words_are_where_the_sound_is(tmp_path: Path) -> None:
    voiceover = await speak(context(tmp_path, WITHOUT_MUSIC), 7, SHORT, "espeak")

    sound = heard(voiceover)

    def level(start_s: float, end_s: float) -> float:
        part = sound[int(start_s * 48_000) : int(end_s * 48_000)]
        return float(np.sqrt((part**2).mean()))

    spoken = [word for word in voiceover.words if any(map(str.isalnum, word.text))]
    assert min(level(word.start_s, word.end_s) for word in spoken) > 0.02
    for one, two in pairwise(spoken):
        if one.line != two.line and one.text != "more":
            assert level(one.end_s, two.start_s - 0.02) < 0.005
            assert level(two.start_s, two.start_s + 0.05) > 0.005


async def test_music_lies_under_the_voice_and_is_told_with_its_right(tmp_path: Path) -> None:
    with_music = await speak(context(tmp_path), 7, SHORT, "espeak")
    last = heard(with_music)[-48_000:-24_000]
    without = await speak(context(tmp_path, WITHOUT_MUSIC), 7, SHORT, "espeak")

    assert "no recording or score of others" in with_music.music
    assert without.music == ""
    assert with_music.words == without.words
    assert 10 * float(np.abs(heard(without)[-24_000:]).max()) < float(np.abs(last).max())


async def test_a_question_gets_a_longer_pause_than_a_list(tmp_path: Path) -> None:
    ctx = context(tmp_path, WITHOUT_MUSIC)

    async def pause(first: str) -> float:
        two = script(("beat", first), ("beat", "Then."))
        words = (await speak(ctx, 7, two, "espeak")).words
        return next(word.start_s for word in words if word.line) - words[0].end_s

    assert await pause("Why?") > await pause("Why.") + 0.1 > await pause("Why,") + 0.2


async def test_music_without_a_licence_needs_the_operator_before_anything_is_spoken(
    tmp_path: Path,
) -> None:
    ctx = context(tmp_path, {"speak": {"music": "/music/song.mp3"}})

    with pytest.raises(OperatorNeeded, match="music_licence"):
        await speak(ctx, 7, SHORT, "espeak")

    assert os.listdir(tmp_path) == []


async def test_ffmpegs_meter_agrees_with_ours(tmp_path: Path) -> None:
    messages: list[str] = []
    ctx = context(tmp_path)

    async def note(fraction: float, message: str) -> None:
        messages.append(message)

    noting = ToolContext(ctx.desk, ctx.fetch, tmp_path, tmp_path, "test", note)
    voiceover = await speak(noting, 7, SHORT, "espeak")
    run = await run_ffmpeg(
        ["-i", voiceover.path, "-af", "ebur128=peak=true:framelog=quiet", "-f", "null", "-"],
        binary=find_ffmpeg({}),
        timeout_s=20,
    )

    said = [float(number) for number in re.findall(r"-?\d+\.\d", messages[-1])]
    summary = "\n".join(run.log).rpartition("Summary:")[2]
    loudness = float(re.findall(r"I:\s+(\S+) LUFS", summary)[0])
    peak = float(re.findall(r"Peak:\s+(\S+) dBFS", summary)[0])
    assert said == [pytest.approx(loudness, abs=0.5), pytest.approx(peak, abs=0.5)]
    assert loudness == pytest.approx(-14, abs=0.5)
    assert peak <= -1


async def test_the_same_script_gives_the_same_track(tmp_path: Path) -> None:
    first = await speak(context(tmp_path), 7, SHORT, "espeak")
    before = await asyncio.to_thread(Path(first.path).read_bytes)
    second = await speak(context(tmp_path), 7, SHORT, "espeak")

    assert second == first
    assert await asyncio.to_thread(Path(second.path).read_bytes) == before


@pytest.mark.parametrize(
    ("wrong", "voice", "says"),
    [
        (script(("hook", "ನಮಸ್ಕಾರ"), language="tl"), "espeak", "'tl'"),
        (script(("hook", "Это написано по-русски."), language="en"), "espeak", "Cyrillic"),
        (script(("hook", "  ")), "espeak", "no words"),
        (script(("hook", "word " * 5_000)), "espeak", "25000 characters"),
        (script(*[A_BEAT] * 201), "espeak", "201 lines"),
        (script(("hook", "nine words that take about three seconds to say " * 80)), "espeak", "s"),
    ],
)
async def test_what_cannot_be_spoken_is_refused_and_leaves_nothing(
    tmp_path: Path, wrong: Script, voice: str, says: str
) -> None:
    with pytest.raises(Refused, match=says):
        await speak(context(tmp_path), 7, wrong, voice)

    assert os.listdir(tmp_path) == []


async def test_a_script_that_means_harm_is_spoken_like_any_other(tmp_path: Path) -> None:
    nasty = script(
        ("hook", "x" * 10_000),
        ("beat", "'; [0:v]drawtext=text=%{pts}:x=\\,y [out]; <speak><break time='9s'/></speak>"),
        ("beat", "\u202e\u200d\ufe0f \U0001d54f \x00\x07 ﷽ ../../etc/passwd $(reboot)"),
    )

    voiceover = await speak(context(tmp_path, WITHOUT_MUSIC), 7, nasty, "espeak")

    assert [word.text for word in voiceover.words if word.line == 0] == ["x" * 10_000]
    assert voiceover.duration_s < 60
    assert os.listdir(tmp_path / "7") == ["voice.wav"]


async def test_a_voice_that_is_not_there_is_stood_in_for_and_labelled(tmp_path: Path) -> None:
    voiceover = await speak(context(tmp_path), 7, SHORT, "nobody")

    assert voiceover.voice == "espeak"
    assert voiceover.fallback is not None
    assert (voiceover.fallback.what, voiceover.fallback.wanted) == ("voice", "nobody")


async def test_a_speech_over_three_minutes_is_refused_with_its_length(tmp_path: Path) -> None:
    long = script(*[A_BEAT] * 70)

    with pytest.raises(Refused, match=r"takes \d+ s to speak and the limit is 180 s"):
        await speak(context(tmp_path), 7, long, "espeak")


@pytest.mark.parametrize(
    ("spoken_s", "tail_s"),
    [(20.0, TAIL_S), (LONGEST_S - AFTER_S - 1.0, 1.0), (LONGEST_S - 0.5, LEAST_TAIL_S)],
)
def test_a_script_that_just_fits_has_less_of_an_end(spoken_s: float, tail_s: float) -> None:
    assert track_s(spoken_s) - spoken_s == pytest.approx(tail_s)


async def test_a_folder_that_cannot_be_written_needs_the_operator(tmp_path: Path) -> None:
    (tmp_path / "7").write_text("in the way")

    with pytest.raises(OperatorNeeded) as caught:
        await speak(context(tmp_path), 7, SHORT, "espeak")

    assert "retry" in caught.value.mend


async def test_the_operators_settings_reach_the_voice(tmp_path: Path) -> None:
    slow = await speak(context(tmp_path, {"espeak": {"wpm": 100}}), 7, SHORT, "espeak")
    fast = await speak(context(tmp_path, {"espeak": {"wpm": 220}}), 8, SHORT, "espeak")

    assert slow.duration_s > fast.duration_s * 1.4


def test_the_tool_keeps_the_contract() -> None:
    assert (TOOL.name, TOOL.scope, TOOL.timeout_s) == ("speak", "agent", 120)
