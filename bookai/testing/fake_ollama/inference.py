"""/api/chat and /api/generate: who may be answered, by which model, with which fault."""

import asyncio
import json
import random
from collections import deque
from typing import Any

from bookai.testing.fake_ollama.body import Body, context_for, read_body, tokens_read
from bookai.testing.fake_ollama.catalogue import find, stamp
from bookai.testing.fake_ollama.config import Answered, Config, FakeModel, Fault, Stats
from bookai.testing.fake_ollama.content import Question, Said, say, spoil
from bookai.testing.fake_ollama.generation import Call, EndedEarly, Generator, Turn
from bookai.testing.fake_ollama.scheduler import BUSY, Scheduler, keep_alive_seconds
from bookai.testing.fake_ollama.wire import ClientLeft, Exchange

CALLS_KEPT = 10_000
ERRORS: dict[Fault, tuple[int, str]] = {
    "http_500": (500, "an error was encountered while running the model"),
    "runner_crash": (
        500,
        "model runner has unexpectedly stopped, this may be due to resource limitations or an "
        "internal error, check ollama server logs for details",
    ),
    "http_503_busy": (503, BUSY),
    "http_429": (429, "too many requests"),
}
PROXY_PAGE = "<html><body><h1>502 Bad Gateway</h1></body></html>"


class Inference:
    """Answers questions; keeps the faults to come, the answers told, and the calls it heard."""

    def __init__(self, config: Config, stats: Stats, scheduler: Scheduler) -> None:
        self.script: deque[Fault | None] = deque()
        self.answers: deque[object] = deque()
        self.calls: deque[Call] = deque(maxlen=CALLS_KEPT)
        self._config = config
        self._stats = stats
        self._scheduler = scheduler
        self._rng = random.Random(config.seed)
        self._generator = Generator(config, stats, self._rng)

    async def serve(self, exchange: Exchange) -> None:
        """Answer one request and count it."""
        stats = self._stats
        call = Call(exchange.path, exchange.headers, self._next_fault())
        self.calls.append(call)
        if call.fault:
            stats.faults[call.fault] = stats.faults.get(call.fault, 0) + 1
        stats.requests += 1
        stats.in_flight += 1
        stats.peak = max(stats.peak, stats.in_flight)
        try:
            await self._serve(exchange, call)
            call.status = call.status or 200
        except EndedEarly:
            call.status = call.status or 200
        except Answered as error:
            call.status = error.status
            await exchange.reply(error.status, {"error": error.error})
        except (asyncio.CancelledError, ClientLeft):
            call.left = True
            stats.cancelled += 1
            raise
        finally:
            stats.in_flight -= 1

    def _next_fault(self) -> Fault | None:
        if self.script:
            return self.script.popleft()
        for fault, chance in self._config.chances.items():
            if self._rng.random() < chance:
                return fault
        return None

    async def _serve(self, exchange: Exchange, call: Call) -> None:
        body = read_body(exchange.body)
        call.body = json.loads(exchange.body)
        await self._fail_early(exchange, call)
        model = find(self._config.models, body.model)
        keep_alive_s = keep_alive_seconds(body.keep_alive, self._config.keep_alive_s)
        chat = call.path == "/api/chat"
        if body.is_empty(chat) and keep_alive_s == 0:
            self._scheduler.unload(model.name)
            await exchange.reply(200, _nothing(body, chat, "unload"))
            return
        _check_skills(body, model)
        num_ctx = context_for(body, model, self._config.context_length)
        started = asyncio.get_running_loop().time()
        async with self._scheduler.held(model, num_ctx, body.shift, keep_alive_s) as runner:
            load_s = asyncio.get_running_loop().time() - started
            if body.is_empty(chat):
                await exchange.reply(200, _nothing(body, chat, "load"))
                return
            call.tokens_in = tokens_read(body, chat, num_ctx, self._config.knows_truncate)
            said = self._said(body, model, call)
            async with runner.slots:
                runner.active += 1
                try:
                    turn = Turn(exchange, call, body, runner, said, started, load_s)
                    await self._generator.run(turn)
                finally:
                    runner.active -= 1

    async def _fail_early(self, exchange: Exchange, call: Call) -> None:
        """Do what the fault does before any model is asked."""
        if found := ERRORS.get(call.fault) if call.fault else None:
            raise Answered(*found)
        match call.fault:
            case "conn_reset":
                exchange.abort()
                raise EndedEarly
            case "hang":
                await asyncio.Event().wait()
            case "html_502":
                call.status = 502
                await exchange.reply(502, PROXY_PAGE, "text/html")
                raise EndedEarly
            case "json_string_error":
                call.status = 500
                await exchange.reply(500, json.dumps("an unexpected error"))
                raise EndedEarly
            case "unload_all":
                for runner in self._scheduler.now_loaded():
                    self._scheduler.unload(runner.model.name)

    def _said(self, body: Body, model: FakeModel, call: Call) -> Said:
        if self.answers:
            told = self.answers.popleft() if len(self.answers) > 1 else self.answers[0]
            text = told if isinstance(told, str) else json.dumps(told)
            return Said(spoil(text, call.fault))
        # A model that can think does so unless it is told not to.
        thinks = "thinking" in model.skills and body.think is not False
        question = Question(
            model.name,
            body.key(call.path == "/api/chat"),
            body.format or None,
            tuple(body.tools),
            thinks,
        )
        return say(question, self._config.seed, self._config.mean_tokens, call.fault)


def _check_skills(body: Body, model: FakeModel) -> None:
    if body.think and "thinking" not in model.skills:
        raise Answered(400, f'"{body.model}" does not support thinking')
    if body.tools and "tools" not in model.skills:
        raise Answered(400, f"{model.name} does not support tools")
    if isinstance(body.format, str) and body.format not in ("", "json"):
        wanted = 'expected "json" or a valid JSON Schema object'
        raise Answered(500, f'invalid format: "{body.format}"; {wanted}')


def _nothing(body: Body, chat: bool, reason: str) -> dict[str, Any]:
    """Return the reply to a request that asked nothing."""
    said = {"message": {"role": "assistant", "content": ""}} if chat else {"response": ""}
    return (
        {"model": body.model, "created_at": stamp()} | said | {"done": True, "done_reason": reason}
    )
