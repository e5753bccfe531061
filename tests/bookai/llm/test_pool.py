"""The pool: who is asked, in which order, and what is recorded when one stands in."""

import asyncio

import pytest

from bookai.errors import OperatorNeeded, Refused, ToolFailed, TryLater
from bookai.llm.base import BadAnswer, ModelAnswer, ModelRequest
from bookai.llm.pool import ModelPool
from bookai.models import Fallback, Record
from bookai.testing import ScriptedProvider
from tests.bookai.llm.conftest import MakeRequest

GOOD = {"title": "Good"}
BAD = {"title": ""}


class Title(Record):
    title: str


def has_title(answer: ModelAnswer) -> Title:
    if not answer.content["title"]:
        raise ValueError("the title is empty")
    return Title(title=answer.content["title"])


def pool_of(*providers: ScriptedProvider, limit_s: float = 5.0) -> ModelPool:
    names = tuple(provider.name for provider in providers)
    return ModelPool({one.name: one for one in providers}, names, limit_s)


async def test_the_first_that_answers_is_used_and_nothing_falls_back(
    make_request: MakeRequest,
) -> None:
    second = ScriptedProvider(GOOD, name="second")

    asked = await pool_of(ScriptedProvider(GOOD, name="first"), second).ask(
        make_request(), has_title
    )

    assert (asked.value, asked.provider, asked.fallbacks) == (Title(title="Good"), "first", ())
    assert second.requests == []


async def test_an_unavailable_provider_is_passed_over_with_its_reason(
    make_request: MakeRequest,
) -> None:
    first = ScriptedProvider(GOOD, name="first", missing="no server; start it")

    asked = await pool_of(first, ScriptedProvider(GOOD, name="second")).ask(
        make_request(), has_title
    )

    assert asked.fallbacks == (
        Fallback(what="writer model", wanted="first", used="second", why="no server; start it"),
    )
    assert first.requests == []


async def test_an_invalid_answer_is_mended_once_with_what_was_wrong(
    make_request: MakeRequest,
) -> None:
    model = ScriptedProvider(BAD, GOOD, name="model")

    asked = await pool_of(model).ask(make_request(), has_title)

    assert asked.value == Title(title="Good")
    assert "the title is empty" in model.requests[1].prompt
    assert "the title is empty" in model.requests[1].objections[0]


async def test_an_answer_that_is_invalid_twice_goes_to_the_next(make_request: MakeRequest) -> None:
    model = ScriptedProvider(BAD, name="model")

    asked = await pool_of(model, ScriptedProvider(GOOD, name="second")).ask(
        make_request(), has_title
    )

    assert len(model.requests) == 2
    assert asked.provider == "second"
    assert "the title is empty" in asked.fallbacks[0].why


async def test_nonsense_is_mended_once_too(make_request: MakeRequest) -> None:
    model = ScriptedProvider(BadAnswer("no JSON"), GOOD, name="model")

    asked = await pool_of(model).ask(make_request(), has_title)

    assert (asked.provider, len(model.requests)) == ("model", 2)


@pytest.mark.parametrize("error", [TryLater("busy"), ValueError("too long"), OperatorNeeded("no")])
async def test_what_a_second_try_cannot_mend_goes_straight_to_the_next(
    make_request: MakeRequest, error: Exception
) -> None:
    model = ScriptedProvider(error, name="model")

    asked = await pool_of(model, ScriptedProvider(GOOD, name="second")).ask(
        make_request(), has_title
    )

    assert len(model.requests) == 1
    assert asked.fallbacks[0].why == str(error)


async def test_a_refusal_by_the_last_is_raised_as_it_is(make_request: MakeRequest) -> None:
    refusal = Refused("this is an interview")
    absent = ScriptedProvider(GOOD, name="model", missing="not there")

    with pytest.raises(Refused) as caught:
        await pool_of(absent, ScriptedProvider(refusal, name="last")).ask(make_request(), has_title)

    assert caught.value is refusal


async def test_a_refusal_after_a_failed_model_names_both(make_request: MakeRequest) -> None:
    model = ScriptedProvider(BAD, name="model")
    last = ScriptedProvider(Refused("this is an interview"), name="last")

    with pytest.raises(Refused, match=r"model: .*title is empty.*last: this is an interview"):
        await pool_of(model, last).ask(make_request(), has_title)


async def test_when_nobody_is_there_it_may_work_later(make_request: MakeRequest) -> None:
    with pytest.raises(TryLater, match="not there"):
        await pool_of(ScriptedProvider(name="model", missing="not there")).ask(
            make_request(), has_title
        )


async def test_when_everybody_answers_badly_it_has_failed(make_request: MakeRequest) -> None:
    with pytest.raises(ToolFailed, match="title is empty"):
        await pool_of(ScriptedProvider(BAD, name="model")).ask(make_request(), has_title)


class Silent(ScriptedProvider):
    async def answer(self, request: ModelRequest) -> ModelAnswer:
        await asyncio.Event().wait()
        raise AssertionError("never")


async def test_a_silent_provider_is_left_at_its_limit(make_request: MakeRequest) -> None:
    pool = pool_of(Silent(name="silent"), ScriptedProvider(GOOD, name="second"), limit_s=0.05)

    asked = await pool.ask(make_request(), has_title)

    assert asked.provider == "second"
    assert "did not answer" in asked.fallbacks[0].why


def test_an_order_with_an_unknown_name_is_refused_at_start() -> None:
    with pytest.raises(OperatorNeeded, match="nobody"):
        ModelPool({"model": ScriptedProvider(GOOD, name="model")}, ("nobody",))
