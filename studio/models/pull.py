"""Fetch a model onto an Ollama server, with its progress."""

import asyncio
from collections.abc import Callable

import httpx
from ollama import AsyncClient, ResponseError

from bookai.errors import OperatorNeeded, TryLater
from bookai.llm.base import Server

SILENCE_LIMIT_S = 120.0
Progress = Callable[[str, float | None], None]
"""Told what the server does, and how far it is (0 to 1, None where it does not say)."""


async def pull(server: Server, model: str, progress: Progress) -> None:
    """Have `server` fetch a model; what is there already of it is not fetched again.

    Raises:
        TryLater: the server is gone, or fell silent.
        OperatorNeeded: it cannot get this model.
    """
    client = AsyncClient(
        server.url,
        timeout=httpx.Timeout(None, connect=2.0),
        trust_env=False,
        # Without it the client would send a key of the environment to whatever stands there.
        headers={"Authorization": "none"},
    )
    try:
        async with client, asyncio.timeout(SILENCE_LIMIT_S) as limit:
            async for said in await client.pull(model, stream=True):
                limit.reschedule(asyncio.get_running_loop().time() + SILENCE_LIMIT_S)
                share = said.completed / said.total if said.completed and said.total else None
                progress(said.status or "", share)
    except TimeoutError as error:
        raise TryLater(
            f"{server.name} ({server.url}) fell silent for {SILENCE_LIMIT_S:.0f} s while it "
            f"fetched {model!r}. Ask again: it goes on where it was."
        ) from error
    except ResponseError as error:
        raise OperatorNeeded(
            f"{server.name} ({server.url}) cannot get {model!r}: {error.error[:200]}.",
            mend="Is the name right? Models are listed at ollama.com/library.",
        ) from error
    except (httpx.HTTPError, ConnectionError) as error:
        raise TryLater(
            f"{server.name} ({server.url}) does not answer. Start it with: ollama serve"
        ) from error
