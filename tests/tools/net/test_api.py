"""Speaking to an API: what may have been done is told apart from what certainly was not."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from bookai.errors import OperatorNeeded, ToolFailed
from tests.peers.http_peer import Cut, HttpPeer, Reply, Request
from tools.net import answers
from tools.net.api import Api, BrokeOff, NotReached, open_api
from tools.net.reach import Reach
from tools.net.secrets import read_secret


class Echo(HttpPeer):
    """Answers by path."""

    async def answer(self, request: Request) -> Reply:
        match request.path:
            case "/echo":
                body = (await request.body()).decode()
                return Reply(body={"body": body, "seen": dict(request.headers)})
            case "/redirect":
                return Reply(307, headers={"Location": f"{self.url}/echo"})
            case "/huge":
                return Reply(body=b"x" * 2_000_000)
            case "/text":
                return Reply(body=b"no json")
            case "/cut":
                await request.body()
                raise Cut
        return Reply(404)


@pytest.fixture
async def peer() -> AsyncIterator[Echo]:
    async with Echo() as server:
        yield server


@pytest.fixture
def api() -> Api:
    return open_api(("127.0.0.1",), timeout_s=20)


async def test_a_body_in_memory_and_a_streamed_one_arrive(peer: Echo, api: Api) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"in "
        yield b"pieces"

    whole = await api.call("POST", f"{peer.url}/echo", body=b"whole")
    streamed = await api.call(
        "PUT", f"{peer.url}/echo", body=pieces, headers={"Content-Length": "9"}
    )

    assert whole.json()["body"] == "whole"
    assert streamed.json()["body"] == "in pieces"
    assert "transfer-encoding" not in streamed.json()["seen"]
    assert streamed.json()["seen"]["host"] == peer.url.removeprefix("http://")


async def test_a_redirect_is_not_followed(peer: Echo, api: Api) -> None:
    answer = await api.call("POST", f"{peer.url}/redirect", body=b"secret")

    assert (answer.status, peer.log) == (307, ["POST /redirect"])


@pytest.mark.parametrize("path", ["/cut", "/huge"])
async def test_what_arrived_and_was_not_answered_whole_may_have_been_done(
    path: str, peer: Echo, api: Api
) -> None:
    with pytest.raises(BrokeOff):
        await api.call("POST", f"{peer.url}{path}", body=b"x")


async def test_where_nobody_listens_nothing_was_done(api: Api) -> None:
    with pytest.raises(NotReached, match="cannot be reached"):
        await api.call("POST", "http://127.0.0.1:9/x?token=s3cret", body=b"x")


async def test_a_private_address_is_for_the_operator_to_allow(peer: Echo) -> None:
    with pytest.raises(OperatorNeeded, match="loopback address"):
        await open_api(()).call("GET", f"{peer.url}/echo")

    assert peer.log == []


async def test_the_look_up_of_a_name_counts_against_the_time_and_leaves_nothing_behind() -> None:
    async def never(host: str, port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return ()

    with pytest.raises(NotReached, match=r"cannot be reached \(TimeoutError\)"):
        await Api(Reach((), never), timeout_s=0.05).call("POST", "http://slow.example/", body=b"x")


@pytest.mark.parametrize(
    "text", ["Wed, 21 Oct 2026 07:28:00 +99999999999999999999", "nonsense", "-5", ""]
)
def test_a_retry_after_that_cannot_be_read_is_as_none(text: str) -> None:
    assert answers.retry_after(text, 60.0) == 60.0


@pytest.mark.parametrize("url", ["ftp://x/", "http://", "http://u:p@127.0.0.1/", "nonsense"])
async def test_what_is_no_address_of_an_api_is_named_without_its_secrets(
    url: str, api: Api
) -> None:
    with pytest.raises(OperatorNeeded, match="is no address of an API") as caught:
        await api.call("GET", url)

    assert "u:p" not in str(caught.value)


async def test_an_answer_that_is_no_json_is_a_failure_of_the_tool(peer: Echo, api: Api) -> None:
    answer = await api.call("GET", f"{peer.url}/text")

    assert answer.json_or_nothing() is None
    with pytest.raises(ToolFailed, match="no JSON"):
        answer.json()


def test_a_secret_comes_from_a_file_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "password"
    path.write_text("s3cret\n")
    path.chmod(0o600)
    monkeypatch.setenv("THE_PASSWORD", " other ")

    assert read_secret("[plugins.x] password", str(path), "") == "s3cret"
    assert read_secret("[plugins.x] password", "", "THE_PASSWORD") == "other"


@pytest.mark.parametrize("problem", ["open to all", "empty", "missing", "no text", "not named"])
def test_a_secret_that_cannot_be_used_says_what_to_mend_and_not_what_it_is(
    problem: str, tmp_path: Path
) -> None:
    path = tmp_path / "password"
    if problem != "missing":
        path.write_bytes({"empty": b"\n", "no text": b"\xff\xfe"}.get(problem, b"s3cret"))
        path.chmod(0o644 if problem == "open to all" else 0o600)
    file = "" if problem == "not named" else str(path)

    with pytest.raises(OperatorNeeded, match=r"\[plugins\.x\] password") as caught:
        read_secret("[plugins.x] password", file, "")

    assert caught.value.mend
    assert "s3cret" not in str(caught.value)
