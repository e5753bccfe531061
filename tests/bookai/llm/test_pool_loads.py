"""Loads: one at a time, by nobody's clock but their own, and none in vain."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from bookai.errors import TryLater
from bookai.llm.base import CallFailed, Model, ModelAnswer, Server, Sight
from bookai.llm.serving.limits import Limits
from bookai.testing import ScriptedProvider, scripted_pool
from tests.bookai.llm.conftest import MakeRequest

SCHEMA = {"type": "object"}
GOOD = {"title": "Good"}
QUICK = Limits(look_every_s=0.05, load_guess_s=0.05)


class Library(ScriptedProvider):
    """Servers that have models and load them; `most` is the longest context that they give."""

    def __init__(self, *names: str, most: int = 10**6, broken: str = "") -> None:
        super().__init__(GOOD, name="library")
        self.names = frozenset(names)
        self.most = most
        self.broken = broken
        self.loaded: dict[str, dict[str, int]] = {}
        self.loads: list[tuple[str, str]] = []
        self.may_load = asyncio.Event()
        self.may_load.set()

    async def look(self, server: Server) -> Sight:
        return Sight(self.names, dict(self.loaded.get(server.name, {})))

    async def preload(self, server: Server, model: Model) -> None:
        self.loads.append((server.name, model.name))
        await self.may_load.wait()
        if self.broken:
            raise CallFailed(self.broken, outcome="infra", kind="http_5xx")
        there = self.loaded.setdefault(server.name, {})
        while len(there) >= server.max_loaded:
            del there[next(iter(there))]
        there[model.name] = min(self.most, model.num_ctx)


def pool_of(library: Library, *servers: Server, **changes: Any) -> Any:
    refs = tuple(f"library/{name}" for name in sorted(library.names))
    arguments: dict[str, Any] = {
        "servers": servers or (Server("one", "library", slots=4),),
        "models": {ref: Model(ref, num_ctx=4096) for ref in refs},
        "chains": {"creative": refs, "technical": refs[1:]},
        "limits": QUICK,
    }
    return scripted_pool(library, **(arguments | changes))


def content(answer: ModelAnswer) -> Any:
    return answer.content


@pytest.fixture
def make_request(make_request: MakeRequest) -> Callable[..., Any]:
    return lambda **changes: make_request(answer_schema=SCHEMA, **changes)


async def test_a_server_with_a_lower_limit_is_not_made_to_load_for_ever(
    make_request: MakeRequest,
) -> None:
    library = Library("a", most=2048)

    async with pool_of(library) as pool, asyncio.timeout(20):
        for _ in range(3):
            await pool.ask(make_request(), content)

    assert library.loads == [("one", "a")]


async def test_a_load_that_fails_gives_way_to_the_next_model_and_is_not_repeated(
    make_request: MakeRequest,
) -> None:
    library = Library("a", "b", broken="out of memory")
    library.loaded["one"] = {"b": 4096}

    async with pool_of(library) as pool, asyncio.timeout(20):
        for _ in range(2):
            asked = await pool.ask(make_request(), content)

    assert (asked.model, asked.fallbacks[0].why) == ("b", "out of memory")
    assert library.loads == [("one", "a")]


async def test_a_load_too_long_for_a_question_goes_on_without_it(
    make_request: MakeRequest,
) -> None:
    library = Library("a")
    library.may_load.clear()

    async with pool_of(library) as pool, asyncio.timeout(20):
        until = asyncio.get_running_loop().time() + 0.05
        with pytest.raises(TryLater, match="in memory in time"):
            await pool.ask(make_request(), content, until=until)
        library.may_load.set()
        asked = await pool.ask(make_request(), content)

    assert (asked.model, library.loads) == ("a", [("one", "a")])


async def test_the_server_with_room_loads_not_the_one_that_would_forget_its_model(
    make_request: MakeRequest,
) -> None:
    library = Library("a", "b")
    library.loaded = {"one": {"a": 4096}}
    servers = (Server("one", "library", max_loaded=1), Server("two", "library", max_loaded=1))

    async with pool_of(library, *servers) as pool, asyncio.timeout(20):
        await pool.ask(make_request(content="technical"), content)

    assert library.loads == [("two", "b")]


async def test_a_long_queue_makes_a_second_server_load_the_model(
    make_request: MakeRequest,
) -> None:
    library = Library("a")
    library.loaded = {"one": {"a": 4096}}
    servers = (Server("one", "library"), Server("two", "library"))

    async with pool_of(library, *servers) as pool, asyncio.timeout(20):
        await pool.fleet.ready({"library"})
        lease = await pool.fleet.dispatcher.acquire("library/a", until=pool.fleet.clock() + 5)
        asked = await pool.ask(make_request(), content)
        lease.end("ok")

    assert library.loads == [("two", "a")]
    assert asked.model == "a"
    assert library.calls[0].server.name == "two"


async def test_a_model_in_memory_with_another_context_is_loaded_again(
    make_request: MakeRequest,
) -> None:
    library = Library("a")
    library.loaded = {"one": {"a": 512}}

    async with pool_of(library) as pool, asyncio.timeout(20):
        await pool.ask(make_request(), content)

    assert library.loads == [("one", "a")]
