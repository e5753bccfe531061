"""What the model servers have at this moment: which are up, which models are there or missing."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Literal

from bookai.llm.base import CallFailed, ContentType, Model, Provider, Server, Sight
from bookai.models import Record
from studio.models.lineup import OLLAMA, LineUp

LOOK_LIMIT_S = 3.0
State = Literal["ready", "loaded", "missing", "down"]


class ServerView(Record):
    """A server as it was found; `why` says why it is not up."""

    name: str
    provider: str
    url: str
    up: bool
    why: str
    slots: int
    bills: bool
    models: tuple[str, ...]
    loaded: tuple[str, ...]


class ModelView(Record):
    """A model of a chain: where it is, and how to get it where it is missing."""

    ref: str
    state: State
    servers: tuple[str, ...]
    mend: str


class ChainView(Record):
    """The models for one kind of text, best first."""

    content: ContentType
    models: tuple[ModelView, ...]


async def look_around(line_up: LineUp, providers: Mapping[str, Provider]) -> tuple[ServerView, ...]:
    """Look at every server at once, each within its limit."""
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_look(server, providers[server.provider]))
            for server in line_up.servers
        ]
    return tuple(task.result() for task in tasks)


async def _look(server: Server, provider: Provider) -> ServerView:
    try:
        async with asyncio.timeout(LOOK_LIMIT_S):
            sight = await provider.look(server)
    except TimeoutError:
        return _view(server, None, f"it does not answer within {LOOK_LIMIT_S:.0f} s")
    except CallFailed as error:
        return _view(server, None, str(error))
    return _view(server, sight, "")


def _view(server: Server, sight: Sight | None, why: str) -> ServerView:
    return ServerView(
        name=server.name,
        provider=server.provider,
        url=server.url,
        up=sight is not None,
        why=why,
        slots=server.slots,
        bills=server.bills,
        models=tuple(sorted(sight.models)) if sight else (),
        loaded=tuple(sorted(sight.loaded)) if sight else (),
    )


def chains_of(line_up: LineUp, servers: Iterable[ServerView]) -> tuple[ChainView, ...]:
    """Return each chain with where its models are."""
    found = tuple(servers)
    views = {ref: _model(model, found) for ref, model in line_up.models.items()}
    return tuple(
        ChainView(content=content, models=tuple(views[ref] for ref in chain))
        for content, chain in line_up.chains.items()
    )


def _model(model: Model, servers: tuple[ServerView, ...]) -> ModelView:
    own = [server for server in servers if server.provider == model.provider]
    up = [server for server in own if server.up]
    have = [server for server in up if _has(server.models, model.name)]
    if have:
        is_loaded = any(_has(server.loaded, model.name) for server in have)
        names = tuple(server.name for server in have)
        return ModelView(
            ref=model.ref, state="loaded" if is_loaded else "ready", servers=names, mend=""
        )
    if not up:
        return ModelView(ref=model.ref, state="down", servers=(), mend=_start(model, own))
    return ModelView(ref=model.ref, state="missing", servers=(), mend=_get(model, up))


def _has(names: Iterable[str], name: str) -> bool:
    # Ollama lists a model without a tag as its latest.
    return any(one in (name, f"{name}:latest") for one in names)


def _start(model: Model, own: list[ServerView]) -> str:
    if model.provider == OLLAMA:
        return "ollama serve"
    return "; ".join(server.why for server in own)


def _get(model: Model, up: list[ServerView]) -> str:
    if model.provider == OLLAMA:
        return f"bookai models pull {model.ref}"
    names = " and ".join(server.name for server in up)
    return f"{names} has no {model.name!r}: it lists {', '.join(up[0].models[:5]) or 'nothing'}"
