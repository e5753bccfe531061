"""What routing tells the metrics: every decision, and every step by how it ended."""

from contextlib import suppress
from random import Random

import pytest
from prometheus_client import REGISTRY

from bookai.errors import BookAIError, Refused, TryLater
from bookai.metrics import watch_router
from bookai.models import Capability
from bookai.router import SIM, Dispatcher, NobodyCan, Router, Saturated, TooLate
from graphs.measures import Measured


def count(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def dispatcher(max_waiting: int = 500) -> tuple[Dispatcher, list[tuple[str, str]]]:
    """Return a queue before one server with one slot, and what it tells."""
    told: list[tuple[str, str]] = []
    queue = Dispatcher(Router(SIM, Random(1)), clock=lambda: 100.0, max_waiting=max_waiting)
    queue.router.add("gpu1", {"tiny": 0.9}, now=100.0)
    queue.watch = lambda result, name, seconds: told.append((result, name))
    return queue, told


async def test_every_decision_is_told_with_who_was_chosen() -> None:
    queue, told = dispatcher()

    async with await queue.acquire("tiny", until=101.0):
        with pytest.raises(TooLate):
            await queue.acquire("tiny", until=100.01)
    with pytest.raises(NobodyCan):
        await queue.acquire("large", until=101.0)

    assert told == [("selected", "gpu1"), ("waited", ""), ("expired", ""), ("none", "")]


async def test_a_full_queue_is_told() -> None:
    queue, told = dispatcher(max_waiting=0)

    async with await queue.acquire("tiny", until=101.0):
        with pytest.raises(Saturated):
            await queue.acquire("tiny", until=101.0)

    assert told == [("selected", "gpu1"), ("saturated", "")]


def test_a_decision_counts_by_candidate_and_its_time_by_kind() -> None:
    told = watch_router("voice")
    before = count("bookai_router_decision_duration_seconds_count", kind="voice")

    told("selected", "contralto", 0.00001)
    told("waited", "", None)

    selected = {"kind": "voice", "candidate": "contralto", "result": "selected"}
    assert count("bookai_router_selections_total", **selected) == 1
    assert count("bookai_router_decision_duration_seconds_count", kind="voice") == before + 1


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(None, "ok"), (Refused("no."), "refused"), (TryLater("busy."), "failed")],
)
def test_a_step_counts_by_how_it_ended(error: BookAIError | None, outcome: str) -> None:
    capability: Capability = "report"
    ended = {"capability": capability, "outcome": outcome}
    before = count("bookai_task_duration_seconds_count", **ended)
    waits = count("bookai_task_queue_wait_seconds_count", capability=capability)

    with suppress(BookAIError), Measured(capability) as measured:
        measured.attempt()
        measured.attempt()
        if error:
            raise error

    assert count("bookai_task_duration_seconds_count", **ended) == before + 1
    assert count("bookai_task_queue_wait_seconds_count", capability=capability) == waits + 1
