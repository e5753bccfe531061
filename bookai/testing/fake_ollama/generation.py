"""One answer as it is computed: tokens by the clock, lines on the wire, faults in the middle."""

import asyncio
import json
import math
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from bookai.testing.fake_ollama.body import Body
from bookai.testing.fake_ollama.catalogue import stamp
from bookai.testing.fake_ollama.config import Answered, Config, Fault, Stats
from bookai.testing.fake_ollama.content import Said
from bookai.testing.fake_ollama.scheduler import Runner
from bookai.testing.fake_ollama.wire import Exchange

BROKE = "an error was encountered while running the model: unexpected EOF"
GARBAGE = b"data: [oops\n"
TRICKLE_BYTES = 8
MOST_CONTEXTS = 10
_TOKEN = re.compile(r"\s{0,8}\S{1,6}|\s{1,8}")

Part = Literal["thinking", "content", "call"]


class EndedEarly(Exception):
    """A fault ended the reply; there is nothing more to send."""


@dataclass(slots=True)
class Call:
    """One request for an answer, and what became of it; the server keeps it in `calls`."""

    path: str
    headers: dict[str, str]
    fault: Fault | None
    body: dict[str, Any] = field(default_factory=dict)
    status: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    left: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """What is to be generated, for whom."""

    exchange: Exchange
    call: Call
    body: Body
    runner: Runner
    said: Said
    started: float
    load_s: float

    @property
    def chat(self) -> bool:
        """Whether the reply has the form of /api/chat."""
        return self.call.path == "/api/chat"


@dataclass(frozen=True, slots=True)
class Chunk:
    """What goes on the wire at once: `tokens` of one part."""

    part: Part
    text: str
    tokens: int


class Generator:
    """Computes answers, one `run` each."""

    def __init__(self, config: Config, stats: Stats, rng: random.Random) -> None:
        self._config = config
        self._stats = stats
        self._rng = rng

    async def run(self, turn: Turn) -> None:
        """Answer. The caller holds a slot of the runner.

        Raises:
            ClientLeft: the client did, which is noticed between two tokens.
            EndedEarly: a fault did.
        """
        chunks, reason = self._cut(turn)
        pace = math.exp(self._rng.gauss(0, self._config.jitter))
        read_s = turn.call.tokens_in / turn.runner.model.prompt_tokens_per_s * pace
        # While it computes, the server doesn't look whether anybody still listens.
        with turn.exchange.unheard():
            await self._pause(read_s)
            if turn.call.fault == "slow_ttft":
                await self._stall(turn)
            if self._config.stops:
                turn.exchange.notice()
            begun = _now()
            await self._decode(turn, chunks, pace)
        turn.call.tokens_out = sum(chunk.tokens for chunk in chunks)
        figures = {
            "done_reason": reason,
            "total_duration": _ns(_now() - turn.started),
            "load_duration": _ns(turn.load_s),
            "prompt_eval_count": turn.call.tokens_in,
            "prompt_eval_duration": _ns(read_s * self._config.time_scale),
            "eval_count": turn.call.tokens_out,
            "eval_duration": _ns(_now() - begun),
        }
        await self._finish(turn, chunks, figures)

    def _cut(self, turn: Turn) -> tuple[list[Chunk], str]:
        """Cut the answer into chunks, no more than `num_predict` and the context allow."""
        calls = json.dumps(turn.said.calls) if turn.said.calls else ""
        tokens: list[tuple[Part, str]] = [
            *(("thinking", token) for token in _TOKEN.findall(turn.said.thinking)),
            *(("content", token) for token in _TOKEN.findall(turn.said.text)),
            *(("call", token) for token in _TOKEN.findall(calls)),
        ]
        limit = turn.body.options.num_predict or -1
        most = MOST_CONTEXTS * turn.runner.num_ctx
        limit = most if limit < 0 else min(limit, most)
        if not turn.runner.shift:
            limit = min(limit, max(1, turn.runner.num_ctx - turn.call.tokens_in))
        reason = "length" if len(tokens) > limit else "stop"
        return _chunks(tokens[:limit], self._config.tokens_per_chunk), reason

    async def _decode(self, turn: Turn, chunks: Sequence[Chunk], pace: float) -> None:
        due = _now()
        middle = len(chunks) // 2
        for index, chunk in enumerate(chunks):
            streams = max(1, turn.runner.active) ** self._config.slowdown
            step_s = chunk.tokens / turn.runner.model.tokens_per_s * pace * streams
            due += step_s * self._config.time_scale
            await asyncio.sleep(max(0.0, due - _now()))
            self._count(turn, chunk.tokens)
            if index == middle:
                await self._break(turn, chunks[:middle])
            if turn.body.stream and chunk.part != "call":
                await self._emit(turn, _line(turn, {chunk.part: chunk.text}, {}, done=False))

    def _count(self, turn: Turn, tokens: int) -> None:
        self._stats.tokens += tokens
        if turn.exchange.left:
            self._stats.tokens_unheard += tokens
            if self._config.stops:
                turn.exchange.notice()

    async def _break(self, turn: Turn, said: Sequence[Chunk]) -> None:
        """Do what the fault does in the middle of an answer."""
        match turn.call.fault:
            case "midstream_reset":
                turn.exchange.abort()
                raise EndedEarly
            case "midstream_error" if turn.body.stream:
                await self._emit(turn, {"error": BROKE})
                await turn.exchange.end_stream()
                raise EndedEarly
            case "midstream_error":
                raise Answered(500, BROKE)
            case "midstream_stall":
                await self._stall(turn)
            case "garbage_line" if turn.body.stream:
                await turn.exchange.stream(GARBAGE)
            case "garbage_line":
                await turn.exchange.reply(200, GARBAGE.decode())
                raise EndedEarly
            case "no_done" if turn.body.stream:
                await turn.exchange.end_stream()
                raise EndedEarly
            case "no_done":
                await turn.exchange.reply(200, _line(turn, _parts(said), {}, done=False))
                raise EndedEarly

    async def _finish(self, turn: Turn, chunks: Sequence[Chunk], figures: dict[str, Any]) -> None:
        calls: dict[str, Any] = {"tool_calls": list(turn.said.calls)} if turn.said.calls else {}
        if not turn.body.stream:
            whole = _line(turn, _parts(chunks) | calls, figures, done=True)
            if turn.call.fault == "slow_loris":
                await self._emit(turn, whole)
                await turn.exchange.end_stream()
                return
            await turn.exchange.reply(200, whole)
            return
        if calls:
            await self._emit(turn, _line(turn, calls, {}, done=False))
        await self._emit(turn, _line(turn, {}, figures, done=True))
        await turn.exchange.end_stream()

    async def _emit(self, turn: Turn, line: dict[str, Any]) -> None:
        data = json.dumps(line).encode() + b"\n"
        if turn.call.fault != "slow_loris":
            await turn.exchange.stream(data)
            return
        for at in range(0, len(data), TRICKLE_BYTES):
            with turn.exchange.heard():
                await self._pause(self._config.stall_s / 20)
            await turn.exchange.stream(data[at : at + TRICKLE_BYTES])

    async def _stall(self, turn: Turn) -> None:
        with turn.exchange.heard():
            await self._pause(self._config.stall_s)

    async def _pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds * self._config.time_scale)


def _chunks(tokens: Sequence[tuple[Part, str]], size: int) -> list[Chunk]:
    """Put up to `size` tokens of the same part together; an empty answer is one empty chunk."""
    chunks: list[Chunk] = []
    for part, token in tokens:
        last = chunks[-1] if chunks else None
        if last and last.part == part and last.tokens < size:
            chunks[-1] = Chunk(part, last.text + token, last.tokens + 1)
        else:
            chunks.append(Chunk(part, token, 1))
    return chunks or [Chunk("content", "", 1)]


def _parts(chunks: Sequence[Chunk]) -> dict[str, Any]:
    """Return the whole text of each part that was generated."""
    whole: dict[str, Any] = {}
    for chunk in chunks:
        if chunk.part != "call":
            whole[chunk.part] = whole.get(chunk.part, "") + chunk.text
    return whole


def _line(
    turn: Turn, parts: dict[str, Any], figures: dict[str, Any], *, done: bool
) -> dict[str, Any]:
    line: dict[str, Any] = {"model": turn.body.model, "created_at": stamp()}
    if turn.chat:
        line["message"] = {"role": "assistant", "content": ""} | parts
    else:
        line["response"] = parts.get("content", "")
        line |= {key: value for key, value in parts.items() if key != "content"}
    return line | {"done": done} | figures


def _now() -> float:
    return asyncio.get_running_loop().time()


def _ns(seconds: float) -> int:
    return int(seconds * 1e9)
