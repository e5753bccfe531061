"""How long a routing decision takes, beside litellm's Router in the same run.

    python benchmarks/routing.py

Goals: the choice alone p50 at most 10 us among 50 candidates and 40 us among 10,000; the whole
decision at most 16 us among 50; at each number 50 times quicker than litellm's default strategy.

"choice" is `Router.choose` with a moving clock, decay and all. "best of 4" is the same where the
router looks at four drawn by lot. "choose, begin, end" is a whole attempt as the router sees it.
"whole decision" is choose and begin, the time observed in a histogram, a selection counted, and an
audit event checked, made canonical and put into the buffer from which the appender writes groups:
all that the caller's thread does. Waiting for the disk is not in it; benchmarks/audit.py is.

litellm runs as a child with the interpreter of `.venv-bench` (make rivals); what is timed there is
`Router.select`, which picks a deployment and calls nobody. It is not measured above 1,000 (see
benchmarks/routing_rival.py): our time among 10,000 is compared with its time among 1,000.
"""

import argparse
import asyncio
import gc
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any, cast

from bookai.db.audit.appender import Appender
from bookai.db.pool import Pool
from bookai.metrics import ROUTER_DECISION_SECONDS, ROUTER_SELECTIONS
from bookai.router import SIM, Outcome, Router

COUNTS = (5, 50, 100, 1_000, 10_000)
CHOICE_US = {50: 10.0, 10_000: 40.0}
WHOLE_US = {50: 16.0}
QUICKER = 50.0
RIVAL = Path(__file__).with_name("routing_rival.py")
RIVAL_PYTHON = Path(__file__).parent.parent / ".venv-bench/bin/python"
DEFAULT = "simple-shuffle"
START_S = 100.0


@dataclass(frozen=True, slots=True)
class Times:
    """What a decision took, in microseconds of wall time, sorted, and CPU on average."""

    wall_us: list[float]
    cpu_us: float

    def at(self, share: float) -> float:
        return self.wall_us[min(len(self.wall_us) - 1, int(share * len(self.wall_us)))]

    def __str__(self) -> str:
        return f"{self.at(0.5):10.1f}{self.at(0.99):10.1f}{self.cpu_us:10.1f}"


def measure(decide: Callable[[], object], undo: Callable[[], object], times: int) -> Times:
    """Time `decide`; `undo` follows each time, off the clock.

    A look at the CPU's own clock is a system call, which slows what comes after it: wall time and
    CPU time are taken in loops of their own.
    """
    for _ in range(100):
        decide()
        undo()
    wall_us, clock, cpu = [], time.perf_counter, 0
    gc.collect()
    gc.disable()
    try:
        for _ in range(times):
            started = clock()
            decide()
            wall_us.append((clock() - started) * 1e6)
            undo()
        for _ in range(times):
            cpu -= time.thread_time_ns()
            decide()
            cpu += time.thread_time_ns()
            undo()
    finally:
        gc.enable()
    return Times(sorted(wall_us), cpu / times / 1e3)


class Desk:
    """A router with `count` candidates who have a past, on a clock that runs as fast as ours."""

    def __init__(self, count: int, draws: int = 0) -> None:
        self.router = Router(replace(SIM, draws=draws, stale_s=3600.0), Random(1))
        self._began = time.monotonic()
        world = Random(2)
        for number in range(count):
            skill = {"write": 0.7 + 0.25 * world.random()}
            self.router.add(f"agent{number}", skill, capacity=4, now=START_S)
        for _ in range(min(2_000, 20 * count)):
            outcome: Outcome = "ok" if world.random() < 0.9 else "quality"
            self.attempt(outcome, world.uniform(0.2, 1.0))

    def now(self) -> float:
        return START_S + time.monotonic() - self._began

    def choose(self) -> str:
        return cast("str", self.router.choose("write", self.now()))

    def attempt(self, outcome: Outcome = "ok", seconds: float = 0.5) -> None:
        now = self.now()
        name = cast("str", self.router.choose("write", now))
        self.router.end(self.router.begin(name, "write", now), outcome, seconds, now)


class WholeDesk(Desk):
    """The decision with all that goes with it: metrics and an audit event."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self._count = count
        self._appender = Appender(cast("Pool", None), limit=100_000, group=250)
        self._seconds = ROUTER_DECISION_SECONDS.labels("agent")
        # Children of metrics are kept where they are asked for often.
        self._chosen = {
            name: ROUTER_SELECTIONS.labels("agent", name, "chosen") for name in self.router.names
        }

    def decide(self) -> None:
        started = time.perf_counter()
        now = self.now()
        name = cast("str", self.router.choose("write", now))
        self._ticket = self.router.begin(name, "write", now)
        self._seconds.observe(time.perf_counter() - started)
        self._chosen[name].inc()
        body = {"agent": name, "candidates": self._count, "capability": "write"}
        self._event = self._appender.append("agent.chosen", "router", body, job_id=17)
        self._event.send(None)  # until it waits for the disk

    def undo(self) -> None:
        self._appender._waiting.pop().written.cancel()
        self._event.close()
        self.router.end(self._ticket, "cancelled", 0.0, self.now())


def nothing() -> None:
    """There is nothing to undo."""


def ours(count: int) -> dict[str, Times]:
    times = 2_000 if count > 1_000 else 10_000
    desk, few, whole = Desk(count), Desk(count, draws=4), WholeDesk(count)
    return {
        "choice": measure(desk.choose, nothing, times),
        "best of 4": measure(few.choose, nothing, times),
        "choose, begin, end": measure(desk.attempt, nothing, times),
        "whole decision": measure(whole.decide, whole.undo, times),
    }


def rivals(counts: list[int], limit_s: float) -> tuple[str, dict[tuple[str, int], Times]]:
    """Return litellm's version and what its strategies took; or why there is nothing."""
    if not RIVAL_PYTHON.exists():
        return "skipped: there is no .venv-bench; to make it: make rivals", {}
    child = subprocess.Popen(
        [RIVAL_PYTHON, RIVAL, *map(str, counts)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        said = child.communicate(timeout=limit_s)[0]
    except subprocess.TimeoutExpired:
        child.kill()
        said = child.communicate()[0]
    first, *lines = said.splitlines() or ["{}"]
    found: dict[tuple[str, int], Times] = {}
    for line in lines:
        row: dict[str, Any] = json.loads(line)
        found[row["strategy"], row["count"]] = Times(row["wall_us"], row["cpu_us"])
    return str(json.loads(first).get("version", "skipped: it did not start")), found


def judge(met: bool, text: str) -> None:
    print(f"goal {'met' if met else 'missed'}: {text}")


def judge_all(own: dict[int, dict[str, Times]], theirs: dict[tuple[str, int], Times]) -> None:
    for name, goals in (("choice", CHOICE_US), ("whole decision", WHOLE_US)):
        for count, goal_us in goals.items():
            if count in own:
                took_us = own[count][name].at(0.5)
                text = f"{name} among {count:,} p50 {took_us:.1f} us (goal {goal_us:.0f} us)"
                judge(took_us <= goal_us, text)
    for count, measured in own.items():
        most = max((n for name, n in theirs if name == DEFAULT and n <= count), default=None)
        if most is not None:
            ratio = theirs[DEFAULT, most].at(0.5) / measured["choice"].at(0.5)
            among = f"{count:,}" if most == count else f"{count:,}, litellm only among {most:,}"
            text = f"{ratio:,.0f} times quicker than litellm {DEFAULT} among {among}"
            judge(ratio >= QUICKER, f"{text} (goal {QUICKER:.0f})")


async def main() -> None:
    parser = argparse.ArgumentParser(description="Time routing decisions beside litellm's.")
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS, metavar="N")
    parser.add_argument("--rival-seconds", type=float, default=300.0, help="limit for litellm")
    options = parser.parse_args()
    print(f"microseconds{'':36}{'p50':>10}{'p99':>10}{'CPU':>10}")
    own = {}
    for count in options.counts:
        own[count] = ours(count)
        for name, times in own[count].items():
            print(f"{count:7,} candidates, {name:28}{times}", flush=True)
    version, theirs = await asyncio.to_thread(rivals, options.counts, options.rival_seconds)
    print(f"litellm {version}")
    for (strategy, count), times in sorted(theirs.items(), key=lambda item: item[0][1]):
        ratio = times.at(0.5) / own[count]["choice"].at(0.5)
        print(f"{count:7,} candidates, {strategy:28}{times}   {ratio:8,.0f} x our choice")
    judge_all(own, theirs)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
