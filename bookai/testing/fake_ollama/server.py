"""A server on loopback that speaks Ollama's HTTP protocol, with the faults that real ones have."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self

from bookai.testing.fake_ollama.catalogue import Catalogue
from bookai.testing.fake_ollama.config import (
    FAULTS,
    Answered,
    Config,
    FakeModel,
    Fault,
    Stats,
    change,
    check_known,
)
from bookai.testing.fake_ollama.generation import Call
from bookai.testing.fake_ollama.inference import Inference
from bookai.testing.fake_ollama.scheduler import Scheduler
from bookai.testing.fake_ollama.wire import Connection, Exchange

LOOPBACK = "127.0.0.1"
LOOK_EVERY_S = 0.001


class FakeOllama:
    """A fake server; `async with` runs it on a free port of this computer, or on `port`.

    `config` and `stats` may be read and changed meanwhile. `say` tells it what to answer, `fail`
    which faults its next requests meet; `calls` are the requests for an answer, oldest first.
    """

    def __init__(self, config: Config | None = None, port: int = 0) -> None:
        self.config = config or Config()
        self.stats = Stats()
        self.port = port
        self._scheduler = Scheduler(self.config, self.stats)
        self._inference = Inference(self.config, self.stats, self._scheduler)
        catalogue = Catalogue(self.config, self._scheduler)
        self._routes: dict[tuple[str, str], Callable[[Exchange], Awaitable[None]]] = {
            ("GET", "/"): _root,
            ("HEAD", "/"): _root,
            ("GET", "/api/version"): catalogue.version,
            ("GET", "/api/tags"): catalogue.tags,
            ("GET", "/api/ps"): catalogue.ps,
            ("POST", "/api/show"): catalogue.show,
            ("POST", "/api/embed"): catalogue.embed,
            ("POST", "/api/pull"): catalogue.pull,
            ("POST", "/api/chat"): self._inference.serve,
            ("POST", "/api/generate"): self._inference.serve,
        }
        self._controls: dict[tuple[str, str], Callable[[Any], dict[str, Any]]] = {
            ("POST", "/__fake/script"): self._control_script,
            ("POST", "/__fake/config"): self._control_config,
            ("POST", "/__fake/answers"): self._control_answers,
            ("GET", "/__fake/stats"): lambda _: self.told(),
        }
        self._stack = AsyncExitStack()
        self._connections: set[Connection] = set()

    async def __aenter__(self) -> Self:
        """Listen."""
        group = await self._stack.enter_async_context(asyncio.TaskGroup())
        listening = await asyncio.get_running_loop().create_server(
            lambda: Connection(self._answer, group, self._connections), LOOPBACK, self.port
        )
        self._stack.push_async_callback(self._close, listening)
        self.port = listening.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Drop every request that is still open and stop listening."""
        await self._stack.__aexit__(kind, error, trace)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def calls(self) -> tuple[Call, ...]:
        """The requests for an answer, oldest first."""
        return tuple(self._inference.calls)

    @property
    def loaded(self) -> dict[str, int]:
        """The loaded models with their context lengths."""
        return {r.model.name: r.num_ctx for r in self._scheduler.now_loaded()}

    def fail(self, *faults: Fault | None) -> None:
        """Let the next requests for an answer meet these, one each; None is a sound one."""
        self._inference.script.extend(faults)

    def say(self, *answers: object) -> None:
        """Answer these, in order, and the last one for ever; what is no text is sent as JSON."""
        self._inference.answers.clear()
        self._inference.answers.extend(answers)

    def forget(self, model: FakeModel) -> None:
        """Unload a model."""
        self._scheduler.unload(model.name)

    async def until(self, holds: Callable[[Stats], bool]) -> None:
        """Return when the statistics satisfy `holds`; put `asyncio.timeout` around it."""
        while not holds(self.stats):  # noqa: ASYNC110  # plain numbers, no event tells
            await asyncio.sleep(LOOK_EVERY_S)

    def told(self) -> dict[str, Any]:
        """Return the statistics, with who is loaded and how many wait for a load."""
        return asdict(self.stats) | {
            "loaded": self.loaded,
            "waiting_for_a_load": self._scheduler.waiting,
        }

    async def _close(self, listening: asyncio.Server) -> None:
        listening.close()
        for connection in tuple(self._connections):
            connection.drop()
            await connection.gone.wait()
        await listening.wait_closed()

    async def _answer(self, exchange: Exchange) -> None:
        key = (exchange.method, exchange.path)
        if control := self._controls.get(key):
            await self._controlled(exchange, control)
            return
        if self.config.down:
            exchange.abort()
            return
        if self.config.silent:
            await asyncio.Event().wait()
        try:
            await self._routes.get(key, _unknown)(exchange)
        except Answered as error:
            await exchange.reply(error.status, {"error": error.error})

    async def _controlled(
        self, exchange: Exchange, control: Callable[[Any], dict[str, Any]]
    ) -> None:
        try:
            told = control(json.loads(exchange.body) if exchange.body else None)
        except (ValueError, TypeError) as error:
            await exchange.reply(400, {"error": str(error)})
            return
        await exchange.reply(200, told)

    def _control_script(self, body: Any) -> dict[str, Any]:
        faults = list(body)
        check_known("fault", [fault for fault in faults if fault is not None], FAULTS)
        self.fail(*faults)
        return {"ok": True}

    def _control_answers(self, body: Any) -> dict[str, Any]:
        self.say(*body)
        return {"ok": True}

    def _control_config(self, body: Any) -> dict[str, Any]:
        change(self.config, dict(body))
        return {"ok": True}


async def _root(exchange: Exchange) -> None:
    await exchange.reply(200, "Ollama is running", "text/plain; charset=utf-8")


async def _unknown(exchange: Exchange) -> None:
    await exchange.reply(404, "404 page not found", "text/plain")
