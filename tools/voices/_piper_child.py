"""The Piper engine in a process of its own: a neural model is heavy, and its phonemiser is C.

Answers as `_child.py` says; besides the texts it reads {"model", "pace", "speaker"}. Imports
nothing of ours: the engine may live in another environment than we do.
"""

import json
import resource
import sys
from importlib import import_module
from typing import Any, BinaryIO

import numpy as np

SPACES = frozenset(" \u00a0")


class TooLongError(Exception):
    """The text takes more time than is allowed."""


def speak(request: dict[str, Any], pcm: BinaryIO) -> dict[str, Any]:
    """Speak every text of the request into `pcm`; return what is written to standard output."""
    piper = import_module("piper")
    voice = piper.PiperVoice.load(request["model"], include_alignments=True)
    # Without the noise the same text sounds the same every time.
    style = piper.SynthesisConfig(
        speaker_id=request["speaker"],
        length_scale=1 / request["pace"],
        noise_scale=0.0,
        noise_w_scale=0.0,
    )
    rate = voice.config.sample_rate
    left = int(request["limit_s"] * rate)
    spoken = []
    for text in request["texts"]:
        begins: list[int] = []
        count = 0
        for chunk in voice.synthesize(text, style, include_alignments=True):
            begins += [count + begin for begin in _word_begins(chunk)]
            count += len(chunk.audio_float_array)
            if count > left:
                raise TooLongError(f"the text takes longer than {request['limit_s']:g} s to speak")
            pcm.write((chunk.audio_float_array * 32767).astype("<i2").tobytes())
        left -= count
        spoken.append({"samples": count, "words": _events(text, begins)})
    return {"rate": rate, "texts": spoken}


def _word_begins(chunk: Any) -> list[int]:
    """Return the sample at which each word of a sentence begins: after a space of its phonemes.

    Where the model does not tell how long each phoneme is, they share the sentence evenly.
    """
    if chunk.phoneme_alignments:
        # The first and the last are the marks of the sentence's begin and end.
        lengths = [one.num_samples for one in chunk.phoneme_alignments]
        begins = np.cumsum(lengths)[: len(chunk.phonemes)]
    else:
        size = len(chunk.audio_float_array)
        begins = np.arange(len(chunk.phonemes)) * size // max(1, len(chunk.phonemes))
    words, fresh = [], True
    for phoneme, begin in zip(chunk.phonemes, begins, strict=False):
        space = phoneme in SPACES
        if fresh and not space:
            words.append(int(begin))
        fresh = space
    return words


def _events(text: str, begins: list[int]) -> list[tuple[int, int]]:
    """Pair the words of the text with their begins; none where the engine counts other words."""
    at, places = 0, []
    for word in text.split():
        at = text.index(word, at)
        if any(letter.isalnum() for letter in word):
            places.append(at)
        at += len(word)
    return list(zip(places, begins, strict=True)) if len(places) == len(begins) else []


def main() -> None:
    """Answer one request; a crash leaves no core file behind."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    request = json.load(sys.stdin)
    try:
        with open(request["pcm"], "wb") as pcm:
            answer = speak(request, pcm)
    except TooLongError as error:
        answer = {"error": str(error), "too_long": True}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
