from collections.abc import Callable
from typing import Any

import pytest

from agents.writer import ANSWER_SCHEMA, PROMPT_VERSION, SYSTEM
from bookai.llm.base import ModelRequest
from bookai.llm.serving.record import CallRecord
from bookai.testing import make_article

TEXT = "Rain fell on Tuesday in Lisbon. It was the first rain since May."

MakeRequest = Callable[..., ModelRequest]


@pytest.fixture
def make_request() -> MakeRequest:
    def make(**changes: Any) -> ModelRequest:
        values: dict[str, Any] = {
            "task": "write_script",
            "system": SYSTEM,
            "prompt": "Write about rain.",
            "prompt_version": PROMPT_VERSION,
            "answer_schema": ANSWER_SCHEMA,
            "article": make_article(TEXT),
        }
        return ModelRequest(**(values | changes))

    return make


@pytest.fixture
def kept() -> list[CallRecord]:
    return []


@pytest.fixture
def recording(kept: list[CallRecord]) -> dict[str, Any]:
    async def record(one: CallRecord) -> None:
        kept.append(one)

    return {"record": record}
