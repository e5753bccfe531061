"""The studio's model pool as a client of `llm_pool.py`."""

import random
from collections import Counter
from collections.abc import Sequence
from typing import Self

from model_pool.load import CHAIN, MAX_TOKENS, NUM_CTX, SCHEMA, SLOTS, Book

from bookai.llm.base import ContentType, Model, ModelAnswer, ModelRequest, Server
from bookai.llm.ollama import OllamaProvider
from bookai.llm.pool import ModelPool
from bookai.llm.serving.record import CallRecord
from bookai.models import Record

KINDS: tuple[ContentType, ...] = ("creative", "technical", "short_copy")


def make_model(name: str) -> Model:
    return Model(f"ollama/{name}", num_ctx=NUM_CTX, max_tokens=MAX_TOKENS)


def make_request(text: str, kind: ContentType = "creative") -> ModelRequest:
    return ModelRequest(
        task="write_script",
        system="You describe books.",
        prompt=text,
        prompt_version="bench-1",
        answer_schema=SCHEMA,
        max_tokens=MAX_TOKENS,
        content=kind,
    )


class Answer(Book, Record):
    """A book as a record of the studio's."""


def validate(answer: ModelAnswer) -> Answer:
    return Answer.model_validate(answer.content)


class Ours:
    """All models in one chain, or with `apart` one content type for each."""

    def __init__(
        self,
        urls: Sequence[str],
        models: Sequence[str] = CHAIN,
        *,
        slots: int = SLOTS,
        max_loaded: int = 3,
        apart: bool = False,
    ) -> None:
        self._told = Counter[str]()
        made = tuple(make_model(name) for name in models)
        chain = tuple(model.ref for model in made)
        self._pool = ModelPool(
            {"ollama": OllamaProvider()},
            tuple(
                Server(f"gpu{number}", "ollama", url, slots=slots, max_loaded=max_loaded)
                for number, url in enumerate(urls, 1)
            ),
            {model.ref: model for model in made},
            {kind: (ref,) if apart else chain for kind, ref in zip(KINDS, chain, strict=False)},
            record=self._record,
            rng=random.Random(1),
        )

    async def __aenter__(self) -> Self:
        await self._pool.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._pool.__aexit__(None, None, None)

    async def ask(self, text: str, kind: ContentType = "creative") -> Book:
        asked = await self._pool.ask(make_request(text, kind), validate)
        answer: Answer = asked.value
        return answer

    def told(self) -> dict[str, int]:
        """How the attempts ended."""
        return dict(self._told.most_common())

    async def _record(self, record: CallRecord) -> None:
        self._told[record.kind or record.outcome] += 1
