import asyncio
import json
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from bookai.errors import OperatorNeeded, Refused, TryLater
from bookai.toolbox import Toolbox, open_toolbox
from mcp_server.server import build_server, serve_http
from tests.mcp_server.doubles import ALICE, Nothing, Said, Studio, Token
from tools.base import Decision

CALL: dict[str, Any] = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {
        "name": "decide_approval",
        "arguments": {"approval_id": 1, "decision": "approve"},
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        },
    },
}
MODERN = {
    "accept": "application/json, text/event-stream",
    "content-type": "application/json",
    "mcp-protocol-version": "2026-07-28",
    "mcp-method": "tools/call",
    "mcp-name": "decide_approval",
}


async def post(url: str, headers: dict[str, str], body: object = CALL) -> httpx2.Response:
    async with httpx2.AsyncClient() as http:
        return await http.post(url, headers=MODERN | headers, content=json.dumps(body))


async def test_a_token_of_an_operator_decides_in_its_own_name(studio: Studio) -> None:
    async with studio.served() as url, open_toolbox(url, "of-operator") as toolbox:
        row = await toolbox.call("decide_approval", Decision, approval_id=1, decision="approve")

    assert row.decided_by == "operator:alice"


METADATA = "http://127.0.0.1:8931/.well-known/oauth-protected-resource/mcp"


@pytest.mark.parametrize(
    ("headers", "error"), [({}, ""), ({"authorization": "Bearer x"}, 'error="invalid_token", ')]
)
async def test_without_a_valid_token_there_is_nothing_on_loopback_either(
    studio: Studio, headers: dict[str, str], error: str
) -> None:
    async with studio.served() as url:
        answer = await post(url, headers)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == (
        f'Bearer {error}scope="studio:read", resource_metadata="{METADATA}"'
    )
    assert studio.desk.decided == []


async def test_a_refused_token_is_told_with_the_mend(studio: Studio) -> None:
    async with studio.served() as url:
        with pytest.raises(OperatorNeeded) as caught:
            async with open_toolbox(url, "guessed"):
                raise AssertionError("the door opened")

    assert (
        caught.value.mend
        == "Make a token on the studio's machine: bookai token create NAME --scope read"
    )


async def test_an_expired_token_opens_nothing(studio: Studio) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    studio.tokens["old"] = Token("alice", ALICE.scopes, yesterday)
    async with studio.served() as url:
        answer = await post(url, {"authorization": "Bearer old"})

    assert answer.status_code == 401


async def test_a_missing_right_is_a_403_that_names_it_and_is_audited(studio: Studio) -> None:
    """Point 17: 401 and 403 carry scope and resource_metadata."""
    async with studio.served() as url:
        answer = await post(url, {"authorization": "Bearer of-reader"})

    assert answer.status_code == 403
    assert answer.headers["www-authenticate"] == (
        f'Bearer error="insufficient_scope", scope="studio:approve", resource_metadata="{METADATA}"'
    )
    assert answer.json()["error"]["message"].startswith("decide_approval needs the right")
    [(kind, actor, body)] = studio.rows
    assert (kind, actor, body["outcome"]) == ("tool.called", "token:screen", "refused")


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_revoked_token_ends_with_the_next_call(studio: Studio, mode: str) -> None:
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(studio.served())
        client = await stack.enter_async_context(
            await studio.over_http(stack, url, "of-operator", mode)
        )
        await Toolbox(client).call("echo", Said, text="before")
        revoked = studio.tokens.pop("of-operator")
        with pytest.raises(OperatorNeeded):
            await Toolbox(client).call("echo", Said, text="after")
        # Closing is a request as well.
        studio.tokens["of-operator"] = revoked

    assert [body["arguments"] for _, _, body in studio.rows] == [{"text": "before"}]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_token_that_lost_a_right_lost_it_in_open_sessions_too(
    studio: Studio, mode: str
) -> None:
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(studio.served())
        client = await stack.enter_async_context(
            await studio.over_http(stack, url, "of-operator", mode)
        )
        await Toolbox(client).call("echo", Said, text="before")
        studio.tokens["of-operator"] = Token("alice", frozenset({"read", "operate"}))
        with pytest.raises(Refused, match="'approve'"):
            await Toolbox(client).call(
                "decide_approval", Decision, approval_id=1, decision="approve"
            )

    assert studio.desk.decided == []


async def test_a_strange_host_or_origin_is_turned_away(studio: Studio) -> None:
    """Point 19: an evil Host is a 421, an evil Origin a 403 and a body of 5 MB a 413."""
    valid = {"authorization": "Bearer of-operator"}
    async with studio.served() as url:
        host = await post(url, valid | {"host": "evil.example"})
        origin = await post(url, valid | {"origin": "https://evil.example"})
        big = await post(url, valid, CALL | {"pad": "x" * 5_000_000})

    assert (host.status_code, origin.status_code, big.status_code) == (421, 403, 413)
    assert studio.rows == []


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "studio.example"])
async def test_only_loopback_addresses_are_served(studio: Studio, host: str) -> None:
    with pytest.raises(OperatorNeeded, match="loopback") as caught:
        await serve_http(studio.server(None), host=host)

    assert "ssh -L" in caught.value.mend


async def test_a_taken_port_is_told_with_the_mend(studio: Studio) -> None:
    async with studio.served() as url:
        port = int(url.split(":")[2].split("/")[0])
        with pytest.raises(OperatorNeeded, match="cannot be used") as caught:
            await serve_http(studio.server(None), port=port)

    assert "bookai serve --port" in caught.value.mend


async def test_a_server_that_is_gone_may_come_back(studio: Studio) -> None:
    async with studio.served() as url:
        pass

    with pytest.raises(TryLater):
        async with open_toolbox(url, "of-operator"):
            raise AssertionError("the door opened")


async def test_a_restart_of_the_server_costs_one_call_and_not_the_caller(studio: Studio) -> None:
    async with AsyncExitStack() as stack:
        async with studio.served() as url:
            toolbox = await stack.enter_async_context(open_toolbox(url, "of-agent"))
            await toolbox.call("echo", Said, text="before")

        with pytest.raises(TryLater):
            await toolbox.call("echo", Said, text="down")

        async with studio.served(int(url.split(":")[2].split("/")[0])):
            said = await toolbox.call("echo", Said, text="after")

    assert said.text == "after"


async def test_a_call_that_the_server_died_under_may_be_tried_again(studio: Studio) -> None:
    asleep = asyncio.Event()

    async def hear(fraction: float, message: str) -> None:
        asleep.set()

    async with AsyncExitStack() as stack:
        async with studio.served() as url:
            toolbox = await stack.enter_async_context(open_toolbox(url, "of-agent"))
            acting = toolbox.acting("editor", 3, hear)
            call = asyncio.ensure_future(acting.call("sleep_long", Nothing))
            await asleep.wait()

        with pytest.raises(TryLater):
            await call


async def test_a_client_that_goes_away_stops_its_call(studio: Studio) -> None:
    asleep = asyncio.Event()

    async def hear(fraction: float, message: str) -> None:
        asleep.set()

    async with studio.served() as url, open_toolbox(url, "of-agent") as toolbox:
        acting = toolbox.acting("editor", 3, hear)
        call = asyncio.ensure_future(acting.call("sleep_long", Nothing))
        await asleep.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        async with asyncio.timeout(10):
            await studio.noted.wait()

    assert [body["outcome"] for _, _, body in studio.rows] == ["cancelled"]


async def test_an_event_stops_the_server(studio: Studio) -> None:
    stop = asyncio.Event()
    urls: list[str] = []
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        server = studio.server(None)
        group.create_task(serve_http(server, port=0, stop=stop, on_ready=urls.append))
        stop.set()

    with pytest.raises(TryLater):
        async with open_toolbox(urls[0], "of-operator"):
            raise AssertionError("the door opened")


def test_a_server_for_one_principal_is_never_offered_over_http(studio: Studio) -> None:
    with pytest.raises(ValueError, match="without token lookup"):
        studio.server(ALICE).http_app()


def test_a_server_has_either_a_principal_or_tokens(studio: Studio) -> None:
    with pytest.raises(ValueError, match="either one principal or tokens"):
        build_server([], make_context=studio.context, audit=studio.audit)


async def test_an_error_of_the_caller_comes_out_of_the_toolbox_as_itself(studio: Studio) -> None:
    async with studio.served() as url:
        with pytest.raises(Refused, match="three words"):
            async with open_toolbox(url, "of-operator"):
                raise Refused("three words")


async def test_an_answer_does_not_wait_for_an_acknowledgement(studio: Studio) -> None:
    took_s: list[float] = []
    async with studio.served() as url, open_toolbox(url, "of-agent") as toolbox:
        while len(took_s) < 200 and min(took_s, default=1.0) >= 0.03:
            started = time.perf_counter()
            await toolbox.call("echo", Said, text="quick")
            took_s.append(time.perf_counter() - started)

    # With Nagle's algorithm even the fastest of them takes 40 ms; without, about one.
    assert min(took_s) < 0.03
