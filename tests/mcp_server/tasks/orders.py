"""What a real render is asked for, long enough to be cancelled or short enough to be waited for."""

import wave
from pathlib import Path
from typing import Any

from bookai.models import Script, Voiceover, Word

JOB = 7
_RATE = 8000
_LINE_S = 2.4
_WORD_S = 0.3


def order(work_dir: Path, lines: int = 40) -> dict[str, Any]:
    """Return the arguments of a render, 2.4 s of film a line, and write its voice track."""
    said = [{"text": "Clocks go on and never stop.", "kind": "beat"} for _ in range(lines)]
    facts = {"title": "Clocks", "language": "en", "draft_kind": "extractive", "writer": "test"}
    duration_s = lines * _LINE_S + 4
    script = Script.model_validate({**facts, "lines": said, "seconds_est": duration_s})
    words = [
        Word(
            text=text,
            line=number,
            start_s=number * _LINE_S + at * _WORD_S,
            end_s=number * _LINE_S + at * _WORD_S + _WORD_S,
        )
        for number, line in enumerate(script.lines)
        for at, text in enumerate(line.text.split())
    ]
    voice = work_dir / str(JOB) / "voice.wav"
    voice.parent.mkdir(parents=True)
    with wave.open(str(voice), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(_RATE)
        out.writeframes(bytes(int(2 * _RATE * duration_s)))
    voiceover = Voiceover(
        path=str(voice),
        words=tuple(words),
        duration_s=duration_s,
        voice="tones",
        language="en",
        sample_rate=_RATE,
    )
    return {
        "job_id": JOB,
        "script": script.model_dump(mode="json"),
        "voiceover": voiceover.model_dump(mode="json"),
        "brand": "B",
        "credit": "S",
        "disclosure": "",
    }
