"""What tests of reading need: a context for tools, and tools called without a server."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import BaseModel

from bookai.models import MadeVideo
from bookai.toolbox import Toolbox
from tools import list_made, read_article, search_sources
from tools.base import Desk, Fetch, Fetched, Tool, ToolContext

R = TypeVar("R", bound=BaseModel)

NOW = datetime(2026, 11, 24, 0, 0, tzinfo=UTC)
TOOLS: Mapping[str, Tool] = {
    one.TOOL.name: one.TOOL for one in (list_made, read_article, search_sources)
}


@dataclass(frozen=True)
class Memory:
    """A desk that only knows what was made."""

    made: tuple[MadeVideo, ...] = ()

    async def list_made(self, channel: str, limit: int) -> tuple[MadeVideo, ...]:
        return self.made[:limit]


async def no_network(url: str, *, accept: str = "*/*") -> Fetched:
    raise AssertionError(f"this test fetches nothing, but {url} was asked for")


async def no_progress(fraction: float, message: str) -> None:
    assert 0 <= fraction <= 1


def tool_context(
    home: Path,
    *,
    fetch: Fetch = no_network,
    made: Sequence[MadeVideo] = (),
    config: Mapping[str, Any] | None = None,
) -> ToolContext:
    return ToolContext(
        desk=cast(Desk, Memory(tuple(made))),
        fetch=fetch,
        work_dir=home / "work",
        gallery_dir=home / "gallery",
        principal="agent",
        progress=no_progress,
        config=config or {},
    )


@dataclass(frozen=True, slots=True)
class DirectTools(Toolbox):
    """The real tools, called in place; records make the same way through JSON as over MCP."""

    ctx: ToolContext | None = None

    async def call(self, name: str, result: type[R], /, **arguments: object) -> R:
        answer = await TOOLS[name].run(self.ctx, **arguments)  # type: ignore[arg-type]
        return result.model_validate_json(answer.model_dump_json())


def direct_tools(ctx: ToolContext) -> DirectTools:
    return DirectTools(client=cast(Any, None), ctx=ctx)
