"""The door of a host: who may listen where, who gets in, and the command that opens it."""

import asyncio
import os
import socket
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from bookai.errors import OperatorNeeded, TryLater
from bookai.house import VERSION
from bookai.models import VideoJob
from bookai.settings import AgentHostSettings, Settings
from bookai.testing import make_article
from bookai.toolbox import Toolbox, open_toolbox
from mcp_server.serve import serve_http
from studio.hosts.desk import Desk, build_host
from studio.hosts.door import HostDoor
from studio.hosts.reach import HostAddress
from studio.hosts.wire import DESCRIBE, RUN, HostThere, StepDone
from tests.studio.hosts.host_process import Scripted, context
from tests.studio.hosts.processes import ROOT, START_S

TOKEN = "a-token-of-sixteen"


def desk(folder: Path, mode: str = "good") -> Desk:
    return Desk([Scripted("poet", mode, folder)], context)


async def run_step(hand: Toolbox, **changes: object) -> StepDone:
    job = '{"job_id": 1, "source": "a", "requested_by": "operator:ann"}'
    told = {
        "agent": "poet",
        "capability": "write",
        "job": job,
        "channel": "{}",
        "seconds_left": 5.0,
    }
    return await hand.call(RUN, StepDone, **{**told, **changes})


@pytest.mark.parametrize("address", ["0.0.0.0", "10.0.0.7", "::", "render.example"])
def test_beyond_this_machine_a_token_is_asked_for(tmp_path: Path, address: str) -> None:
    with pytest.raises(OperatorNeeded, match="there is no token"):
        HostDoor(build_host(desk(tmp_path)), address, "")

    HostDoor(build_host(desk(tmp_path)), address, TOKEN)


def test_a_token_that_can_be_guessed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OperatorNeeded, match="can be guessed"):
        HostDoor(build_host(desk(tmp_path)), "127.0.0.1", "secret")


async def test_only_the_token_opens(tmp_path: Path) -> None:
    door = HostDoor(build_host(desk(tmp_path)), "127.0.0.1", TOKEN)
    stop, urls = asyncio.Event(), list[str]()
    ready = asyncio.Event()

    def hear(url: str) -> None:
        urls.append(url)
        ready.set()

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(serve_http(door, port=0, stop=stop, on_ready=hear))
        await ready.wait()
        for wrong in ("", TOKEN[:-1], TOKEN + "x", TOKEN.upper()):
            with pytest.raises(OperatorNeeded, match="needs its token"):
                async with open_toolbox(urls[0], wrong):
                    raise AssertionError("the door opened")
        async with open_toolbox(urls[0], TOKEN) as hand:
            there = await hand.call(DESCRIBE, HostThere)
        stop.set()

    assert (there.version, [one.name for one in there.agents]) == (VERSION, ["poet"])


@pytest.mark.parametrize(
    "changes",
    [
        {"agent": "nobody"},
        {"capability": "publish"},
        {"capability": "rm -rf"},
        {"job": "{}"},
        {"channel": "["},
    ],
)
async def test_an_order_that_does_not_fit_costs_this_host_only(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    async with open_toolbox(build_host(desk(tmp_path))) as hand:
        with pytest.raises(TryLater):
            await run_step(hand, **changes)


async def test_the_host_cuts_at_the_seconds_that_are_left(tmp_path: Path) -> None:
    async with open_toolbox(build_host(desk(tmp_path, "hang"))) as hand:
        with pytest.raises(TryLater, match="was not done in"):
            await run_step(hand, seconds_left=0.1)

    assert (tmp_path / "1.poet.cancelled").exists()


async def test_a_full_agent_says_so_at_once(tmp_path: Path) -> None:
    here = desk(tmp_path, "hang")
    here._in_flight["poet"] = 16
    async with open_toolbox(build_host(here)) as hand:
        with pytest.raises(TryLater, match="has 16 steps already") as caught:
            await run_step(hand)

    assert caught.value.after_s == 1


def test_a_token_does_not_cross_other_networks_in_the_clear() -> None:
    with pytest.raises(OperatorNeeded, match="plain http"):
        HostAddress("far", "http://8.8.8.8:8941/mcp", TOKEN)

    HostAddress("far", "https://8.8.8.8:8941/mcp", TOKEN)
    HostAddress("near", "http://10.0.0.7:8941/mcp", TOKEN)


def test_settings_name_a_host_once_and_never_let_it_publish(tmp_path: Path) -> None:
    one = {"name": "render1", "url": "http://10.0.0.7:8941/mcp"}
    assert Settings.model_validate({"home": tmp_path, "agent_hosts": [one]}).agent_hosts
    for wrong in (
        [one, one],
        [one | {"capabilities": ["publish"]}],
        [one | {"name": "Render-1"}],
        [one | {"url": "10.0.0.7"}],
    ):
        with pytest.raises(ValueError, match="agent_hosts"):
            Settings.model_validate({"home": tmp_path, "agent_hosts": wrong})


def test_a_token_that_is_not_set_is_told_by_its_name() -> None:
    host = AgentHostSettings(name="render1", url="http://10.0.0.7/mcp", token_env="RENDER1_TOKEN")
    with pytest.raises(OperatorNeeded, match="RENDER1_TOKEN"):
        host.token()


async def test_the_command_offers_the_studios_own_writer(
    tmp_path: Path, dsn: str, admin_dsn: str
) -> None:
    env = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "BOOKAI_DSN": dsn,
        "BOOKAI_ADMIN_DSN": admin_dsn,
        "BOOKAI_HOST_TOKEN": TOKEN,
        "BOOKAI_METRICS_PORT": "0",
        "OLLAMA_HOST": "127.0.0.1:9",
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from studio.cli import main; main()"),
        *("agents", "serve", "--only", "writer", "--port", str(free_port())),
        cwd=tmp_path,
        env=env,
        stderr=PIPE,
    )
    assert process.stderr is not None
    try:
        url = ""
        async with asyncio.timeout(START_S):
            while not url:
                line = (await process.stderr.readline()).decode()
                assert line, "it ended"
                url = line.split()[2].rstrip(";") if line.startswith("agents at ") else ""
        async with open_toolbox(url, TOKEN) as hand:
            there = await hand.call(DESCRIBE, HostThere)
            done = await run_step(hand, agent="writer", job=about_leap_seconds(), seconds_left=60.0)
        assert [one.name for one in there.agents] == ["writer"]
        script = VideoJob.model_validate_json(done.job).script
        assert script is not None
        assert script.draft_kind == "extractive"
    finally:
        process.terminate()
        # Read to the end: a full pipe would keep it from ending.
        async with asyncio.timeout(START_S):
            said = await process.stderr.read()
            code = await process.wait()
        process._transport.close()  # type: ignore[attr-defined]  # no public way
    assert (code, TOKEN.encode() in said) == (0, False)


def about_leap_seconds() -> str:
    text = (ROOT / "studio" / "examples" / "leap-second.md").read_text()
    title, body = text.split("---", 2)[2].strip().split("\n\n", 1)
    article = make_article(body.strip(), title=title.lstrip("# "))
    job = VideoJob(job_id=1, source="a.md", requested_by="operator:ann", article=article)
    return job.model_dump_json()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
