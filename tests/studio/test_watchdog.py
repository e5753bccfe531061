"""The watchdog's beat, heard by a socket as systemd opens one: a beat proves real work."""

import asyncio
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from bookai.db.pool import Pool
from bookai.errors import TryLater
from studio.engine import Procrastinate
from studio.watchdog import Pulse, beats_every_s, checks_of, database_answers, fetches, watchdog
from studio.watchdog.pulse import Hand

EVERY_S = 0.04
ROOMY_S = 0.5  # where a check asks the database, which a busy machine keeps waiting

pytestmark = pytest.mark.timeout(30)


class Systemd:
    """The end of the socket at which systemd listens."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener

    async def hears(self) -> str:
        return (await asyncio.get_running_loop().sock_recv(self._listener, 4096)).decode()

    async def hears_a_beat(self) -> bool:
        return (await self.hears()).startswith("WATCHDOG=1")


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Systemd]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "n"))
        listener.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "n"))
        yield Systemd(listener)


async def fine() -> None:
    return None


def test_beats_are_four_times_as_frequent_as_the_limit() -> None:
    assert beats_every_s({"WATCHDOG_USEC": "60000000"}) == 15.0
    assert beats_every_s({}) is None
    assert beats_every_s({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}) is None


async def test_while_every_check_passes_there_are_beats(systemd: Systemd, pool: Pool) -> None:
    async with watchdog(checks_of(pool, Pulse()), lag_s=20, every_s=ROOMY_S):
        assert await systemd.hears_a_beat()
        assert await systemd.hears_a_beat()


async def test_a_failing_check_withholds_the_beat_and_says_why(systemd: Systemd) -> None:
    sick = asyncio.Event()

    async def check() -> None:
        if sick.is_set():
            raise TryLater("nothing moves.")

    async with watchdog({"worker": check}, every_s=EVERY_S):
        assert await systemd.hears_a_beat()
        sick.set()
        while await systemd.hears_a_beat():
            pass
        assert await systemd.hears() == "STATUS=No beat for the watchdog: worker: nothing moves."
        sick.clear()
        while not await systemd.hears_a_beat():
            pass


async def test_a_check_that_never_ends_withholds_the_beat(systemd: Systemd) -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    async with watchdog({"database": never}, every_s=EVERY_S):
        assert "database: no answer in" in await systemd.hears()


async def test_a_check_that_breaks_is_named_and_beats_go_on_after_it(systemd: Systemd) -> None:
    broken = True

    async def odd() -> None:
        if broken:
            raise KeyError("a password")

    async with watchdog({"odd": odd}, every_s=EVERY_S):
        heard = await systemd.hears()
        broken = False
        while not await systemd.hears_a_beat():
            pass

    assert heard == "STATUS=No beat for the watchdog: odd: its check broke (KeyError)"


async def test_a_closed_pool_withholds_the_beat(systemd: Systemd, pool: Pool) -> None:
    await pool.close()

    async with watchdog({"database": database_answers(pool)}, every_s=EVERY_S):
        assert "No beat for the watchdog: database" in await systemd.hears()


async def test_an_event_loop_that_stood_still_withholds_the_beat(systemd: Systemd) -> None:
    async with watchdog({"fine": fine}, lag_s=0.2, every_s=1.0):
        asyncio.get_running_loop().call_later(0.1, _block, 0.6)
        heard = await systemd.hears()

    stood = re.search(r"the event loop stood still for ([\d.]+) s", heard)
    assert stood, heard
    assert float(stood[1]) >= 0.2


def _block(for_s: float) -> None:
    until = time.monotonic() + for_s
    while time.monotonic() < until:
        pass


async def test_a_worker_that_does_not_look_is_told_from_one_that_is_busy() -> None:
    pulse, hand = Pulse(), Hand(1)
    with pulse.watching(hand):
        await fetches(pulse)()

        hand.looked_at_s -= 100
        with pytest.raises(TryLater):
            await fetches(pulse)()
        with hand.busy():
            hand.looked_at_s -= 100
            await fetches(pulse)()
        await fetches(pulse)()

    hand.looked_at_s -= 100
    await fetches(pulse)()


async def test_a_serving_worker_looks_again_and_again(engine: Procrastinate) -> None:
    stop = asyncio.Event()

    async def advance(*_: object) -> NoReturn:
        raise AssertionError("there is no work")

    async with asyncio.TaskGroup() as group, asyncio.timeout(20):
        group.create_task(engine.serve(advance, 1, stop))
        seen = set[float]()
        while len(seen) < 3:
            await asyncio.sleep(0)
            seen |= {hand.looked_at_s for hand in engine.pulse.hands}
        stop.set()

    assert engine.pulse.hands == []
