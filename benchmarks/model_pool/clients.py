"""Who is measured by `llm_pool.py`, besides litellm: the bare client, round robin, and the pool."""

import asyncio
import itertools
import random
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Self

import ollama
from model_pool.load import ATTEMPT_S, CHAIN, MAX_TOKENS, NUM_CTX, SCHEMA, Book

OPTIONS = {"num_ctx": NUM_CTX, "num_predict": MAX_TOKENS}
TRIES = 3


class Bare:
    """The client as it comes, a random server for each call, no second try."""

    def __init__(self, urls: Sequence[str]) -> None:
        self._urls = urls
        self._rng = random.Random(1)
        self._stack = AsyncExitStack()
        self._clients: list[ollama.AsyncClient] = []

    async def __aenter__(self) -> Self:
        for url in self._urls:
            client = ollama.AsyncClient(url, trust_env=False)
            self._clients.append(await self._stack.enter_async_context(client))
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stack.aclose()

    async def ask(self, text: str) -> Book:
        return await self._from(self._rng.choice(self._clients), CHAIN[0], text)

    async def _from(self, client: ollama.AsyncClient, model: str, text: str) -> Book:
        messages = [{"role": "user", "content": text}]
        reply = await client.chat(model, messages, format=SCHEMA, options=OPTIONS)
        return Book.model_validate_json(reply.message.content or "")


class RoundRobin(Bare):
    """Server after server, ten seconds a try, three tries, each answer validated."""

    def __init__(self, urls: Sequence[str], limit_s: float = ATTEMPT_S) -> None:
        super().__init__(urls)
        self._limit_s = limit_s
        self._turn = itertools.count()

    async def ask(self, text: str) -> Book:
        return await self.ask_model(CHAIN[0], text)

    async def ask_model(self, model: str, text: str) -> Book:
        last: Exception | None = None
        for _ in range(TRIES):
            client = self._clients[next(self._turn) % len(self._clients)]
            try:
                async with asyncio.timeout(self._limit_s):
                    return await self._from(client, model, text)
            except Exception as error:  # noqa: BLE001  # every failure is tried again
                last = error
        assert last
        raise last
