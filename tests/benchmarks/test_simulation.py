"""The simulator behind the routing figures: the same worlds for all, and what ours does in them."""

import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar
from xml.etree import ElementTree

import pytest

from benchmarks.simulation.chart import draw
from benchmarks.simulation.engine import simulate
from benchmarks.simulation.meter import Meter, Result
from benchmarks.simulation.page import renew
from benchmarks.simulation.policies import POLICIES, Ours, Policy
from benchmarks.simulation.policies.base import WAIT
from benchmarks.simulation.policies.plain import RandomChoice
from benchmarks.simulation.runs import Run
from benchmarks.simulation.scenarios import FAILOVER, SCENARIOS, Scenario
from benchmarks.simulation.summary import Summary
from benchmarks.simulation.waiting import DEADLINE_S, Task, WaitingRoom
from benchmarks.simulation.world import CAPABILITIES, World

SHORT = replace(SCENARIOS["all"], seconds=170.0, agents=10, outages=2)
LUCK = ((0.0, 0.5, 0.5),) * 3


@pytest.fixture(scope="module")
def results() -> Mapping[type[Policy], Result]:
    return {policy: simulate(policy, SHORT, seed=1) for policy in (Ours, RandomChoice)}


def test_a_seed_gives_the_same_result_again(results: Mapping[type[Policy], Result]) -> None:
    assert simulate(Ours, SHORT, seed=1) == results[Ours]


def test_all_policies_meet_the_same_tasks(results: Mapping[type[Policy], Result]) -> None:
    assert results[Ours].tasks == results[RandomChoice].tasks > 1000


def test_ours_is_ahead_of_chance(results: Mapping[type[Policy], Result]) -> None:
    ours, chance = results[Ours], results[RandomChoice]

    assert ours.ok > chance.ok + 0.05
    assert ours.regret < chance.regret / 2


def test_no_task_fails_while_somebody_healthy_can_do_it() -> None:
    result = simulate(Ours, replace(FAILOVER["two at once"], seconds=230.0, outages=8), seed=1)

    assert result.tasks > 5000
    assert (result.unserved, result.failures) == (0, {})


@pytest.mark.parametrize("scenario", [*SCENARIOS.values(), *FAILOVER.values()], ids=str)
def test_three_agents_have_each_capability(scenario: Scenario) -> None:
    agents = World(scenario, seed=1).agents.values()

    for capability in CAPABILITIES:
        assert sum(capability in agent.quality for agent in agents) >= 3


class OneByOne(Policy):
    """Has one free agent who is much better at one of its two capabilities."""

    name: ClassVar[str] = "one by one"

    def choose(self, capability: str, now: float, tried: frozenset[str]) -> str | None:
        return WAIT

    def suits(self, name: str, now: float) -> Mapping[str, float]:
        return {"plan": 0.3, "code": 0.9}


def waiting_room(sent: list[int], given_up: list[int]) -> WaitingRoom:
    policy = OneByOne(World(SHORT, seed=1), random.Random(1))
    return WaitingRoom(
        policy,
        lambda task, name, now: sent.append(task.number),
        lambda task, why, now: given_up.append(task.number),
    )


def free_one(room: WaitingRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    slots = iter(["a00"])
    monkeypatch.setattr(room.policy, "choose", lambda *asked: next(slots, WAIT))


def test_who_is_free_takes_what_waits_and_suits_it(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []
    room = waiting_room(sent, [])
    room.offer(Task(1, "plan", 0.0, LUCK), 0.0)
    room.offer(Task(2, "code", 1.0, LUCK), 1.0)
    free_one(room, monkeypatch)

    room.freed("a00", ("plan", "code"), 3.0)

    assert sent == [2]


def test_what_has_too_little_time_left_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []
    given_up: list[int] = []
    room = waiting_room(sent, given_up)
    room.offer(Task(1, "plan", 0.0, LUCK), 0.0)
    room.offer(Task(2, "plan", 5.0, LUCK), 5.0)
    free_one(room, monkeypatch)

    room.freed("a00", ("plan",), DEADLINE_S - 1)

    assert (sent, given_up) == ([2], [1])


def test_routing_around_a_fault_is_timed_from_its_begin() -> None:
    world = World(replace(SCENARIOS["outages"], outages=1), seed=1)
    (outage,) = world.outages
    meter = Meter(world, DEADLINE_S)
    before = [outage.begins - 20 + 0.5 * number for number in range(40)]
    after = [outage.begins + 0.5 * number for number in range(7)]
    for when in (*before, *after):
        meter.attempt_sent(outage.agent.name, when, when)
    meter.task_ended(outage.begins, None, outage.begins + 1)

    (seconds,) = meter.result().routed_around_s[outage.fault]

    # Ten attempts in 5 s were usual; from the last but two on there are no more than two.
    assert seconds == pytest.approx(2.0)


def test_a_page_without_a_place_for_the_table_is_told(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# No marks", encoding="utf-8")

    with pytest.raises(ValueError, match="no place for the table"):
        renew(page, Summary({}), range(1), 0)


def test_the_chart_is_a_picture_within_its_frame(results: Mapping[type[Policy], Result]) -> None:
    runs = {
        Run(policy, scenario, 1): results[Ours]
        for policy in POLICIES
        for scenario in SCENARIOS.values()
    }

    picture = ElementTree.fromstring(draw(Summary.of(runs)))

    _, _, width, height = (float(side) for side in picture.attrib["viewBox"].split())
    marks = [
        (float(m.attrib["cx"]), float(m.attrib["cy"])) for m in picture.iter() if "cx" in m.attrib
    ]
    assert len(marks) >= 2 * len(POLICIES)
    assert all(0 < x < width and 0 < y < height for x, y in marks)
