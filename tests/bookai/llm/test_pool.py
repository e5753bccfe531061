"""The pool: who is asked, in which order, what is kept, and how it reads when all fail."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from bookai.errors import OperatorNeeded, Refused, ToolFailed, TryLater
from bookai.llm.base import Call, CallFailed, Model, Reply, Server, Sight
from bookai.llm.serving.limits import Limits
from bookai.llm.serving.record import CallRecord
from bookai.models import Fallback
from bookai.testing import SCRIPTED, ScriptedProvider, scripted_pool
from tests.bookai.llm.conftest import MakeRequest
from tests.bookai.llm.titles import BAD, GOOD, RESET, SCHEMA, Title, failing, has_title


@pytest.fixture
def make_request(make_request: MakeRequest) -> MakeRequest:
    return lambda **changes: make_request(**({"answer_schema": SCHEMA} | changes))


async def test_the_first_that_answers_is_used_and_nothing_falls_back(
    make_request: MakeRequest,
) -> None:
    second = ScriptedProvider(GOOD, name="second")

    async with scripted_pool(ScriptedProvider(GOOD, name="first"), second) as pool:
        asked = await pool.ask(make_request(), has_title)

    assert (asked.value, asked.provider, asked.fallbacks) == (Title(title="Good"), "first", ())
    assert second.requests == []


async def test_a_provider_that_is_down_is_passed_over_with_its_reason(
    make_request: MakeRequest,
) -> None:
    first = ScriptedProvider(GOOD, name="first", missing="no server; start it")

    async with scripted_pool(first, ScriptedProvider(GOOD, name="second")) as pool:
        asked = await pool.ask(make_request(), has_title)

    assert asked.fallbacks == (
        Fallback(
            what="writer model",
            wanted="first",
            used=f"second/{SCRIPTED}",
            why="no server; start it",
        ),
    )
    assert first.requests == []


async def test_a_server_that_is_down_is_one_note_for_all_of_its_models(
    make_request: MakeRequest,
) -> None:
    down = ScriptedProvider(name="down", missing="no server")
    up = ScriptedProvider(GOOD, name="up")
    chain = ("down/big", "down/small", f"up/{SCRIPTED}")

    async with scripted_pool(down, up, chains={"creative": chain}) as pool:
        asked = await pool.ask(make_request(), has_title)

    assert [one.wanted for one in asked.fallbacks] == ["down"]


async def test_a_missing_model_is_named(make_request: MakeRequest) -> None:
    up = ScriptedProvider(GOOD, name="up")
    chain = ("up/big", f"up/{SCRIPTED}")

    async with scripted_pool(up, chains={"creative": chain}) as pool:
        asked = await pool.ask(make_request(), has_title)

    assert [(one.wanted, one.why) for one in asked.fallbacks] == [
        ("up/big", "up has no model 'big'")
    ]


async def test_each_kind_of_text_has_its_own_models(make_request: MakeRequest) -> None:
    code, prose = ScriptedProvider(GOOD, name="code"), ScriptedProvider(GOOD, name="prose")
    chains = {"technical": (f"code/{SCRIPTED}",), "creative": (f"prose/{SCRIPTED}",)}

    async with scripted_pool(code, prose, chains=chains) as pool:
        asked = await pool.ask(make_request(content="technical"), has_title)

    assert asked.provider == "code"


async def test_an_invalid_answer_is_mended_once_with_what_was_wrong(
    make_request: MakeRequest,
) -> None:
    model = ScriptedProvider(BAD, GOOD, name="model")

    async with scripted_pool(model) as pool:
        asked = await pool.ask(make_request(), has_title)

    assert asked.value == Title(title="Good")
    assert "the title is empty" in model.requests[1].prompt
    assert "the title is empty" in model.requests[1].objections[0]


@pytest.mark.parametrize("bad", [BAD, "no JSON", '{"title": 1}', '{"title": "a", "more": 1}'])
async def test_an_answer_that_is_invalid_twice_goes_to_the_next(
    make_request: MakeRequest, bad: Mapping[str, Any] | str
) -> None:
    model = ScriptedProvider(bad, name="model")

    async with scripted_pool(model, ScriptedProvider(GOOD, name="second")) as pool:
        asked = await pool.ask(make_request(), has_title)

    assert len(model.requests) == 2
    assert asked.provider == "second"


async def test_a_bad_answer_is_mended_by_another_server(make_request: MakeRequest) -> None:
    model = ScriptedProvider(BAD, GOOD, name="model")
    servers = (Server("one", "model"), Server("two", "model"))

    async with scripted_pool(model, servers=servers) as pool:
        await pool.ask(make_request(), has_title)

    assert {call.server.name for call in model.calls} == {"one", "two"}


async def test_a_cut_answer_is_asked_again_with_twice_the_room(make_request: MakeRequest) -> None:
    class Wordy(ScriptedProvider):
        async def reply(self, call: Call) -> Reply:
            whole = await super().reply(call)
            finish = "length" if call.max_tokens < 200 else "stop"
            return Reply(whole.text, finish=finish)

    model = Wordy(GOOD, name="model")

    async with scripted_pool(model) as pool:
        await pool.ask(make_request(max_tokens=100), has_title)

    assert [call.max_tokens for call in model.calls] == [100, 200]


@pytest.mark.parametrize(
    ("error", "tries"),
    [
        (RESET, 2),
        (failing("busy", "busy"), 2),
        (failing("infra", "connect"), 1),
        (failing("timeout", "first_chunk_timeout"), 1),
        (failing("client", "context", next_model=True), 1),
        (failing("client", "http_4xx", retry=False), 1),
        (failing("timeout", "deadline"), 1),
    ],
)
async def test_only_what_may_pass_is_asked_again_at_the_only_server(
    make_request: MakeRequest, error: CallFailed, tries: int
) -> None:
    model = ScriptedProvider(error, name="model")

    async with scripted_pool(model, ScriptedProvider(GOOD, name="second")) as pool:
        asked = await pool.ask(make_request(), has_title)

    assert len(model.requests) == tries
    assert (asked.provider, asked.fallbacks[0].why) == ("second", str(error))


async def test_a_server_that_hangs_up_is_left_for_another(make_request: MakeRequest) -> None:
    model = ScriptedProvider(failing("infra", "connect"), GOOD, name="model")
    servers = (Server("one", "model"), Server("two", "model"))

    async with scripted_pool(model, servers=servers) as pool:
        asked = await pool.ask(make_request(), has_title)

    assert asked.fallbacks == ()
    assert {call.server.name for call in model.calls} == {"one", "two"}


async def test_a_question_too_long_for_a_model_is_not_sent_to_it(
    make_request: MakeRequest,
) -> None:
    small = ScriptedProvider(GOOD, name="small")
    models = {f"small/{SCRIPTED}": Model(f"small/{SCRIPTED}", num_ctx=1000, max_tokens=500)}

    async with scripted_pool(small, ScriptedProvider(GOOD, name="big"), models=models) as pool:
        asked = await pool.ask(make_request(prompt="word " * 1000), has_title)

    assert small.requests == []
    assert "small" in asked.fallbacks[0].wanted
    assert "1000" in asked.fallbacks[0].why


async def test_a_refusal_by_the_last_is_raised_as_it_is(make_request: MakeRequest) -> None:
    refusal = Refused("this is an interview")
    absent = ScriptedProvider(GOOD, name="model", missing="not there")

    async with scripted_pool(absent, ScriptedProvider(refusal, name="last")) as pool:
        with pytest.raises(Refused) as caught:
            await pool.ask(make_request(), has_title)

    assert caught.value is refusal


async def test_a_refusal_after_a_failed_model_names_both(make_request: MakeRequest) -> None:
    model = ScriptedProvider(BAD, name="model")
    last = ScriptedProvider(Refused("this is an interview"), name="last")

    async with scripted_pool(model, last) as pool:
        with pytest.raises(Refused, match=r"model/.*title is empty.*last/.*this is an interview"):
            await pool.ask(make_request(), has_title)


async def test_when_nobody_is_there_it_may_work_later(make_request: MakeRequest) -> None:
    async with scripted_pool(ScriptedProvider(name="model", missing="not there")) as pool:
        with pytest.raises(TryLater, match="model: not there"):
            await pool.ask(make_request(), has_title)


async def test_when_everybody_answers_badly_it_has_failed(make_request: MakeRequest) -> None:
    async with scripted_pool(ScriptedProvider(BAD, name="model")) as pool:
        with pytest.raises(ToolFailed, match="title is empty"):
            await pool.ask(make_request(), has_title)


class Silent(ScriptedProvider):
    """Answers nothing, and notes who leaves it."""

    async def reply(self, call: Call) -> Reply:
        self.calls.append(call)
        self.asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.left.set()
        raise AssertionError("never")

    def __init__(self, **changes: Any) -> None:
        super().__init__(**changes)
        self.asked, self.left = asyncio.Event(), asyncio.Event()


async def test_a_cancelled_question_leaves_its_server_and_no_slot_taken(
    make_request: MakeRequest, kept: list[CallRecord], recording: dict[str, Any]
) -> None:
    silent = Silent(name="silent")

    async with scripted_pool(silent, **recording) as pool, asyncio.timeout(20):
        task = asyncio.create_task(pool.ask(make_request(), has_title))
        await silent.asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert silent.left.is_set()
        assert pool.fleet.router.state("silent").in_flight == 0
    assert [one.outcome for one in kept] == ["cancelled"]


async def test_every_attempt_is_kept_without_what_was_said(
    make_request: MakeRequest, kept: list[CallRecord], recording: dict[str, Any]
) -> None:
    model = ScriptedProvider(BAD, GOOD, name="model")

    async with scripted_pool(model, **recording) as pool:
        await pool.ask(make_request(prompt="a secret prompt"), has_title)

    assert [(one.attempt, one.outcome, one.kind) for one in kept] == [
        (1, "quality", "invalid_schema"),
        (2, "ok", ""),
    ]
    assert kept[0].call_id == kept[1].call_id
    assert kept[0].prompt_sha256 != kept[1].prompt_sha256
    assert "secret" not in str([one.as_json() for one in kept])
    assert not any(isinstance(value, float) for value in kept[1].as_json().values())


async def test_the_pieces_of_an_answer_are_heard(make_request: MakeRequest) -> None:
    class Loud(ScriptedProvider):
        async def reply(self, call: Call) -> Reply:
            if call.heard:
                call.heard("piece")
            return await super().reply(call)

    heard: list[str] = []
    async with scripted_pool(Loud(GOOD, name="loud")) as pool:
        await pool.ask(make_request(), has_title, heard=heard.append)

    assert heard == ["piece"]


async def test_a_question_ends_at_its_time(make_request: MakeRequest) -> None:
    class Late(ScriptedProvider):
        async def reply(self, call: Call) -> Reply:
            async with asyncio.timeout_at(call.until):
                await asyncio.Event().wait()
            raise AssertionError("never")

    loop = asyncio.get_running_loop()
    async with scripted_pool(Late(name="late")) as pool:
        until = loop.time() + 0.1
        with pytest.raises(TryLater):
            await pool.ask(make_request(), has_title, until=until)

    assert loop.time() < until + 1


def test_a_model_of_an_unknown_provider_is_refused_at_start() -> None:
    with pytest.raises(OperatorNeeded, match="nobody"):
        scripted_pool(ScriptedProvider(GOOD), chains={"creative": ("nobody/model",)})


async def test_an_overload_waits_in_the_pool_not_at_the_servers(make_request: MakeRequest) -> None:
    class Counting(ScriptedProvider):
        at_once = most = 0

        async def reply(self, call: Call) -> Reply:
            self.at_once += 1
            self.most = max(self.most, self.at_once)
            await asyncio.sleep(0)
            self.at_once -= 1
            return await super().reply(call)

    model = Counting(GOOD, name="model")
    servers = (Server("one", "model", slots=2), Server("two", "model", slots=1))

    async with scripted_pool(model, servers=servers) as pool, asyncio.TaskGroup() as group:
        for _ in range(30):
            group.create_task(pool.ask(make_request(), has_title))

    assert (model.most, len(model.calls)) == (3, 30)


async def test_a_server_that_comes_back_is_used_again(make_request: MakeRequest) -> None:
    model = ScriptedProvider(GOOD, name="model", missing="down")
    limits = Limits(look_every_s=0.01)

    async with scripted_pool(model, limits=limits) as pool, asyncio.timeout(20):
        with pytest.raises(TryLater):
            await pool.ask(make_request(), has_title)
        model.down = None
        stand = pool.fleet.stands["model"]
        stand.looked.clear()
        await stand.looked.wait()
        asked = await pool.ask(make_request(), has_title)

    assert asked.provider == "model"


@pytest.mark.parametrize("odd", [RecursionError(), UnicodeDecodeError("utf-8", b"x", 0, 1, "y")])
async def test_a_server_that_answers_nonsense_is_passed_over(
    make_request: MakeRequest, odd: Exception
) -> None:
    class Odd(ScriptedProvider):
        async def look(self, server: Server) -> Sight:
            raise odd

    async with scripted_pool(Odd(GOOD, name="odd"), ScriptedProvider(GOOD, name="well")) as pool:
        asked = await pool.ask(make_request(), has_title)

    (note,) = asked.fallbacks
    assert (asked.provider, type(odd).__name__ in note.why) == ("well", True)
