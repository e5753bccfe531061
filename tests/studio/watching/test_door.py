"""Each process can be watched, also one that hangs, and one address outlives them all."""

import asyncio
import json
import random
import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPConnection
from typing import Any

import pytest

from bookai.db import control, processes
from bookai.db.pool import Pool
from bookai.settings import Settings
from studio.office import open_office
from studio.watching.door import open_door
from studio.watching.health import Health
from studio.watching.standard import health_of
from tests.conftest import execute

pytestmark = pytest.mark.timeout(60)

SOON_S = 0.05


def free_port() -> int:
    """Return a port that is free, below those which the kernel gives to whoever asks for any."""
    for port in random.sample(range(20_000, 32_000), 200):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


@pytest.fixture
def seen(settings: Settings) -> Settings:
    return settings.model_copy(update={"metrics_port": free_port()})


def ask(port: int | None, path: str, host: str = "127.0.0.1:1") -> tuple[int, bytes]:
    assert port is not None
    con = HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        con.request("GET", path, headers={"Host": host})
        reply = con.getresponse()
        return reply.status, reply.read()
    finally:
        con.close()


async def get(port: int | None, path: str, host: str = "127.0.0.1:1") -> tuple[int, bytes]:
    return await asyncio.to_thread(ask, port, path, host)


async def read(port: int | None, path: str) -> tuple[int, Any]:
    status, body = await get(port, path)
    return status, json.loads(body)


def well(*names: str) -> Mapping[str, object]:
    return {"ready": True, "wrong": {}, "well": sorted(("event loop", *names))}


async def test_a_process_shows_metrics_and_that_it_is_alive(seen: Settings) -> None:
    async with open_door(seen, "agents", Health()) as door:
        status, body = await get(door.port, "/metrics")
        alive = await read(door.port, "/healthz")

    assert (status, b"\nbookai_event_loop_lag_seconds " in body) == (200, True)
    assert alive[0] == 200
    assert alive[1]["alive"] is True


async def test_without_a_port_nothing_listens(settings: Settings) -> None:
    async with open_door(settings, "agents", Health()) as door:
        assert door.ports == ()


@pytest.mark.parametrize(
    ("host", "status"), [("localhost:9464", 200), ("[::1]:9464", 200), ("evil.example", 403)]
)
async def test_a_web_page_that_points_its_name_here_learns_nothing(
    seen: Settings, host: str, status: int
) -> None:
    async with open_door(seen, "agents", Health()) as door:
        assert (await get(door.port, "/healthz", host))[0] == status


async def test_what_is_not_there_is_not_found(seen: Settings) -> None:
    async with open_door(seen, "agents", Health()) as door:
        assert (await get(door.port, "/etc/passwd"))[0] == 404


async def test_the_mcp_server_is_ready_with_its_database(seen: Settings) -> None:
    async with (
        open_office(seen) as office,
        open_door(seen, "mcp", health_of(office, "mcp")) as door,
    ):
        assert await read(door.port, "/readyz") == (200, well("database", "schema"))


async def test_a_loop_that_nobody_leads_and_that_has_no_worker_is_not_ready(seen: Settings) -> None:
    async with (
        open_office(seen) as office,
        open_door(seen, "loop", health_of(office, "loop")) as door,
    ):
        status, said = await read(door.port, "/readyz")

    assert status == 503
    assert said["wrong"] == {"leader": "nobody leads the loop", "worker": "no worker is open"}


async def test_a_worker_that_asks_for_work_is_ready_until_the_disk_is_full(seen: Settings) -> None:
    stop = asyncio.Event()

    async def nothing(*_: object) -> Any:
        raise AssertionError("there are no jobs")

    async with open_office(seen) as office, asyncio.TaskGroup() as group:
        group.create_task(office.engine.serve(nothing, 1, stop))
        async with open_door(seen, "worker", health_of(office, "worker")) as door:
            while (await read(door.port, "/readyz"))[0] != 200:
                pass
            await control.pause(office.database.pool, "", "full", "studio:disk")
            while (found := await read(door.port, "/readyz"))[0] == 200:
                pass
        stop.set()

    assert list(found[1]["wrong"]) == ["disk"]


async def test_a_newer_schema_makes_a_process_say_that_it_must_be_started_again(
    seen: Settings, admin_dsn: str
) -> None:
    async with (
        open_office(seen) as office,
        open_door(seen, "mcp", health_of(office, "mcp")) as door,
    ):
        later = (
            "INSERT INTO schema_migrations (version, name, sha256, app_version, ms, works_with) "
            "VALUES ({}, 'later', '', '9', 1, {})"
        )
        execute(admin_dsn, later.format(900, 19))
        assert (await processes.stand(office.database.pool, 20)).strange is None
        assert (await read(door.port, "/readyz"))[0] == 200
        execute(admin_dsn, later.format(901, 900))
        assert (await processes.stand(office.database.pool, 899)).strange == 901
        while (found := await read(door.port, "/readyz"))[0] == 200:
            pass

    assert list(found[1]["wrong"]) == ["schema"]


async def test_a_look_that_hangs_or_breaks_is_named(
    seen: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.watching.health.LOOK_S", SOON_S)

    async def hangs() -> Mapping[str, str | None]:
        await asyncio.Event().wait()
        return {}

    async def breaks() -> Mapping[str, str | None]:
        raise ZeroDivisionError("a password")

    async with open_door(seen, "agents", Health({"slow": hangs, "odd": breaks})) as door:
        status, said = await read(door.port, "/readyz")

    assert (status, said["ready"]) == (503, False)
    assert said["wrong"] == {
        "odd": "the look at it broke (ZeroDivisionError)",
        "slow": "no answer within 0.05 s",
    }


async def test_a_process_whose_event_loop_hangs_says_so(
    seen: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.watching.health.HUNG_S", SOON_S)
    async with open_door(seen, "agents", Health()) as door:
        with ThreadPoolExecutor(1) as others:
            # Waited for here, so the event loop runs nothing meanwhile: this is the fault.
            found = others.submit(hung, door.port).result(timeout=20)

    assert [status for status, _ in found] == [503, 503, 200]
    assert b"it has not run for" in found[1][1]


def hung(port: int | None) -> list[tuple[int, bytes]]:
    while ask(port, "/healthz")[0] == 200:
        pass
    return [ask(port, path) for path in ("/healthz", "/readyz", "/metrics")]


async def test_all_processes_of_a_machine_are_found_at_any_of_their_doors(
    seen: Settings, pool: Pool
) -> None:
    async with (
        open_door(seen, "mcp", Health(pool=pool), every_s=SOON_S) as first,
        open_door(seen, "worker", Health(pool=pool), every_s=SOON_S) as second,
    ):
        await processes.beat(pool, "far", "worker", "another.example", 9464)
        while len((await read(first.port, "/sd"))[1]) < 2:
            pass

        assert (await read(first.port, "/sd"))[1] == [
            {"targets": [f"127.0.0.1:{first.port}"], "labels": {"process": "mcp"}},
            {"targets": [f"127.0.0.1:{second.port}"], "labels": {"process": "worker"}},
        ]
    assert [one.name for one in await processes.list_(pool)] == ["far"]


async def test_the_first_address_outlives_the_process_that_had_it(
    seen: Settings, pool: Pool
) -> None:
    first = seen.metrics_port
    async with (
        open_door(seen, "worker", Health(pool=pool), every_s=SOON_S) as gone,
        open_door(seen, "loop", Health(pool=pool), every_s=SOON_S) as stays,
    ):
        own = stays.port
        await gone.close()
        while len(stays.ports) < 2:
            await asyncio.to_thread(lambda: None)

        assert stays.ports == (own, first)
        assert (await get(first, "/healthz"))[0] == 200


async def test_a_turn_that_breaks_is_logged_and_the_next_one_is_taken(
    seen: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    turns = asyncio.Queue[None]()

    class Odd(Health):
        async def look(self) -> Mapping[str, str | None]:
            turns.put_nowait(None)
            raise ZeroDivisionError

    async with open_door(seen, "agents", Odd(), every_s=SOON_S):
        await turns.get()
        await turns.get()

    assert "A turn of watching broke" in caplog.text


async def test_while_the_database_is_away_the_doors_tell_nothing_of_the_others(
    seen: Settings, pool: Pool
) -> None:
    await pool.close()
    async with open_door(seen, "worker", Health(pool=pool), every_s=SOON_S) as door:
        assert (await get(door.port, "/sd"))[0] == 503
        assert (await get(door.port, "/metrics"))[0] == 200
