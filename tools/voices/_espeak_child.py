"""The espeak-ng library in a process of its own: it is not re-entrant, and it may crash.

Reads one JSON object from standard input: {"voice", "wpm", "pitch", "range", "texts", "limit_s",
"pcm"}. Writes mono 16-bit samples of all texts to the open file numbered `pcm`, one after the
other, and one JSON object to standard output: {"rate", "texts": [{"samples": count, "words":
[[character, sample], ...]}]}; or {"error": "why", "too_long": bool}. Imports nothing of ours: it
starts fast.
"""

import ctypes
import json
import os
import resource
import sys
from pathlib import Path
from typing import Any, BinaryIO

import espeakng_loader

SYNCHRONOUS = 2
DONT_EXIT = 0x8000
UTF8 = 1
BY_CHARACTER = 1
END, WORD = 0, 1
RATE, PITCH, RANGE = 1, 3, 4


class _Id(ctypes.Union):
    _fields_ = (
        ("number", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("string", ctypes.c_char * 8),
    )


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("uid", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    )


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


class EngineError(Exception):
    """The library said no; the message is for the operator."""


class TooLongError(EngineError):
    """The text takes more time than is allowed."""


class Engine:
    """One loaded library. `say` may be called again and again, never twice at once."""

    def __init__(self, limit_s: float) -> None:
        self._lib = ctypes.CDLL(str(espeakng_loader.get_library_path()))
        # The library keeps 160 bytes for this path: stand in the folder, and "." is always enough.
        os.chdir(espeakng_loader.get_data_path())
        self.rate = int(self._lib.espeak_Initialize(SYNCHRONOUS, 0, b".", DONT_EXIT))
        if self.rate <= 0:
            raise EngineError("espeak-ng found no voice data")
        self._limit = int(limit_s * self.rate)
        self._callback = _Callback(self._heard)
        self._lib.espeak_SetSynthCallback(self._callback)
        self._lib.espeak_Synth.argtypes = [
            *(ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int),
            *(ctypes.c_uint, ctypes.c_uint, ctypes.POINTER(ctypes.c_uint), ctypes.c_void_p),
        ]
        self._pcm = bytearray()
        self._words: list[tuple[int, int]] = []
        self._total = 0

    def choose(self, voice: str, **parameters: int) -> None:
        """Set the voice by its name, and its rate (words a minute), pitch and range (0 to 100)."""
        variant = voice.partition("+")[2]
        # The library takes an unknown variant in silence.
        known = not variant or Path("voices", "!v", variant).is_file()
        if not known or self._lib.espeak_SetVoiceByName(voice.encode()) != 0:
            raise EngineError(f"espeak-ng has no voice {voice!r}")
        for name, key in (("wpm", RATE), ("pitch", PITCH), ("range", RANGE)):
            self._lib.espeak_SetParameter(key, parameters[name], 0)

    def say(self, text: str) -> tuple[bytes, list[tuple[int, int]]]:
        """Return the samples and, for each word event, its character and its sample."""
        self._pcm, self._words = bytearray(), []
        data = text.encode() + b"\0"
        failed = self._lib.espeak_Synth(data, len(data), 0, BY_CHARACTER, 0, UTF8, None, None)
        if failed != 0 or self._lib.espeak_Synchronize() != 0:
            raise EngineError(f"espeak-ng could not speak {text[:40]!r}")
        if self._total > self._limit:
            raise TooLongError(f"the text takes longer than {self._limit / self.rate:g} s to speak")
        return bytes(self._pcm), self._words

    def _heard(self, samples: Any, count: int, events: Any) -> int:
        if count > 0 and samples:
            self._pcm += ctypes.string_at(samples, count * 2)
            self._total += count
        at = 0
        while events[at].type != END:
            if events[at].type == WORD:
                # The library counts characters from 1.
                self._words.append((events[at].text_position - 1, events[at].sample))
            at += 1
        return 1 if self._total > self._limit else 0


def speak(request: dict[str, Any], pcm: BinaryIO) -> dict[str, Any]:
    """Speak every text of the request into `pcm`; return what is written to standard output."""
    engine = Engine(request["limit_s"])
    engine.choose(
        request["voice"], wpm=request["wpm"], pitch=request["pitch"], range=request["range"]
    )
    spoken = []
    for text in request["texts"]:
        samples, words = engine.say(text)
        pcm.write(samples)
        spoken.append({"samples": len(samples) // 2, "words": words})
    return {"rate": engine.rate, "texts": spoken}


def main() -> None:
    """Answer one request; a crash leaves no core file behind."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    request = json.load(sys.stdin)
    try:
        with open(request["pcm"], "wb") as pcm:
            answer = speak(request, pcm)
    except (EngineError, OSError) as error:
        answer = {"error": str(error), "too_long": isinstance(error, TooLongError)}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
