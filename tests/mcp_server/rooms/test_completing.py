"""What may be typed next."""

import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp.types import PromptReference, ResourceTemplateReference

from mcp_server.auth import Principal
from tests.mcp_server.doubles import ALICE, WORKER, Studio

MODES = ("auto", "legacy")
Ref = PromptReference | ResourceTemplateReference


def template(uri: str) -> Ref:
    return ResourceTemplateReference(type="ref/resource", uri=uri)


def prompt(name: str) -> Ref:
    return PromptReference(type="ref/prompt", name=name)


@pytest.mark.parametrize("mode", MODES)
async def test_what_begins_so_is_offered_newest_first(studio: Studio, mode: str) -> None:
    asked = [
        (template("job://{job_id}"), "job_id", "1", ["12", "11", "1"]),
        (template("job://{job_id}"), "job_id", "", ["12", "11", "2", "1"]),
        (template("approval://{approval_id}"), "approval_id", "x", []),
        (template("video://{job_id}"), "job_id", "9" * 400, []),
        (prompt("review_queue"), "channel", "ne", ["news"]),
        (prompt("plan_week"), "videos", "", ["3", "5", "7", "14"]),
        (prompt("plan_week"), "topic", "mars", []),
    ]
    async with Client(studio.server(ALICE), mode=mode) as client:
        for ref, argument, typed, values in asked:
            found = await client.complete(ref, {"name": argument, "value": typed})

            assert found.completion.values == values
            assert found.completion.total == len(values)


async def test_a_long_list_is_cut_and_says_so(studio: Studio) -> None:
    async with Client(studio.server(ALICE)) as client:
        found = await client.complete(
            template("audit://{event_id}"), {"name": "event_id", "value": ""}
        )

    assert found.completion.values[:2] == ["40", "39"]
    assert len(found.completion.values) == 20
    assert found.completion.has_more


async def test_an_argument_or_a_name_that_does_not_exist_is_refused(studio: Studio) -> None:
    codes = []
    async with Client(studio.server(ALICE)) as client:
        for ref, argument in (
            (template("job://{job_id}"), "approval_id"),
            (prompt("plan_week"), "password"),
            (prompt("take_over"), "channel"),
            (template("book://{isbn}"), "isbn"),
        ):
            with pytest.raises(MCPError) as caught:
                await client.complete(ref, {"name": argument, "value": ""})
            codes.append(caught.value.code)

    assert codes == [-32602] * 4


async def test_who_may_not_read_is_told_no_numbers(studio: Studio) -> None:
    nobody = Principal("token:nobody", frozenset())

    async with Client(studio.server(nobody)) as client:
        with pytest.raises(MCPError, match="the right 'read'") as caught:
            await client.complete(template("job://{job_id}"), {"name": "job_id", "value": ""})
    async with Client(studio.server(WORKER)) as client:
        plans = await client.complete(prompt("plan_week"), {"name": "channel", "value": ""})

    assert caught.value.code == -32010
    assert plans.completion.values == []
