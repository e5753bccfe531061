"""The endpoints about models: tags, ps, show, pull and embed."""

import asyncio
import hashlib
import json
import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from bookai.testing.fake_ollama.body import tokens_in
from bookai.testing.fake_ollama.config import Answered, Config, FakeModel
from bookai.testing.fake_ollama.content import dice
from bookai.testing.fake_ollama.scheduler import Runner, Scheduler
from bookai.testing.fake_ollama.wire import Exchange

DIMENSIONS = 64
FOR_EVER_S = 292 * 365 * 86_400.0
PULL_STEPS = 4


def find(models: Sequence[FakeModel], name: str) -> FakeModel:
    """Return the model of that name; without a tag it means `latest`.

    Raises:
        Answered: 404, the server has not got it.
    """
    for model in models:
        if model.name in (name, f"{name}:latest"):
            return model
    raise Answered(404, f"model '{name}' not found")


class Catalogue:
    """Answers what isn't inference."""

    def __init__(self, config: Config, scheduler: Scheduler) -> None:
        self._config = config
        self._scheduler = scheduler

    async def version(self, exchange: Exchange) -> None:
        """/api/version: answers while a runner is stuck too."""
        await exchange.reply(200, {"version": self._config.version})

    async def tags(self, exchange: Exchange) -> None:
        """/api/tags: what can be loaded."""
        models = [_entry(model) | {"modified_at": stamp()} for model in self._config.models]
        await exchange.reply(200, {"models": models})

    async def ps(self, exchange: Exchange) -> None:
        """/api/ps: what is loaded, with which context and for how long."""
        now = asyncio.get_running_loop().time()
        models = [_loaded(runner, now) for runner in self._scheduler.now_loaded()]
        await exchange.reply(200, {"models": models})

    async def show(self, exchange: Exchange) -> None:
        """/api/show: what a model can do."""
        model = find(self._config.models, _name(_object(exchange.body)))
        await exchange.reply(
            200,
            {
                "modelfile": "",
                "parameters": "",
                "template": "{{ .Prompt }}",
                "details": _details(model),
                "model_info": {
                    "general.architecture": model.family,
                    f"{model.family}.context_length": model.context_length,
                },
                "capabilities": list(model.skills),
                "modified_at": stamp(),
            },
        )

    async def embed(self, exchange: Exchange) -> None:
        """/api/embed: unit vectors that depend on the text alone."""
        body = _object(exchange.body)
        model = find(self._config.models, _name(body))
        given = body.get("input") or []
        texts = [given] if isinstance(given, str) else [str(text) for text in given]
        await exchange.reply(
            200,
            {
                "model": model.name,
                "embeddings": [_vector(self._config.seed, text) for text in texts],
                "total_duration": 1,
                "load_duration": 1,
                "prompt_eval_count": sum(map(tokens_in, texts)),
            },
        )

    async def pull(self, exchange: Exchange) -> None:
        """/api/pull: from `library`, with the progress lines of the real one."""
        body = _object(exchange.body)
        name, stream = _name(body), body.get("stream") is not False
        try:
            model = find(self._config.library + self._config.models, name)
        except Answered as error:
            missing = "pull model manifest: file does not exist"
            if not stream:
                raise Answered(500, missing) from error
            await _lines(exchange, {"status": "pulling manifest"}, {"error": missing})
            await exchange.end_stream()
            return
        await self._download(exchange, model, stream)

    async def _download(self, exchange: Exchange, model: FakeModel, stream: bool) -> None:
        digest = f"sha256:{_digest(model)}"
        steps = [{"status": "pulling manifest"}]
        for step in range(PULL_STEPS + 1):
            done = model.size_bytes * step // PULL_STEPS
            of: dict[str, Any] = {"digest": digest, "total": model.size_bytes, "completed": done}
            steps.append({"status": f"pulling {digest[7:19]}"} | of)
        for step_line in steps:
            await asyncio.sleep(model.load_s / len(steps) * self._config.time_scale)
            if stream:
                await _lines(exchange, step_line)
        if model not in self._config.models:
            self._config.models += (model,)
        if not stream:
            await exchange.reply(200, {"status": "success"})
            return
        await _lines(exchange, {"status": "verifying sha256 digest"}, {"status": "success"})
        await exchange.end_stream()


def stamp() -> str:
    """Return the time as the server writes it."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def _object(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except ValueError as error:
        raise Answered(400, str(error)) from error
    if not isinstance(found, dict):
        raise Answered(400, "the request is no object")
    return found


def _name(body: dict[str, Any]) -> str:
    return str(body.get("model") or body.get("name") or "")


async def _lines(exchange: Exchange, *lines: dict[str, Any]) -> None:
    for line in lines:
        await exchange.stream(json.dumps(line).encode() + b"\n")


def _digest(model: FakeModel) -> str:
    return hashlib.sha256(model.name.encode()).hexdigest()


def _details(model: FakeModel) -> dict[str, Any]:
    return {
        "parent_model": "",
        "format": "gguf",
        "family": model.family,
        "families": [model.family],
        "parameter_size": model.parameters,
        "quantization_level": model.quantization,
    }


def _entry(model: FakeModel) -> dict[str, Any]:
    return {
        "name": model.name,
        "model": model.name,
        "size": model.size_bytes,
        "digest": _digest(model),
        "details": _details(model),
    }


def _loaded(runner: Runner, now: float) -> dict[str, Any]:
    left_s = max(0.0, min(FOR_EVER_S, runner.expires_at - now))
    return _entry(runner.model) | {
        "expires_at": (datetime.now(UTC) + timedelta(seconds=left_s)).isoformat(),
        "size_vram": 0,
        "context_length": runner.num_ctx,
    }


def _vector(seed: int, text: str) -> list[float]:
    rng = dice("embedding", seed, text)
    numbers = [rng.gauss(0, 1) for _ in range(DIMENSIONS)]
    length = math.sqrt(sum(number * number for number in numbers))
    return [number / length for number in numbers]
