"""What the metrics may cost, and what their labels may say."""

import subprocess
import sys
from collections.abc import Iterator
from itertools import islice, product
from pathlib import Path
from typing import get_args

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from bookai import metrics
from bookai.metrics import AGENTS, CATALOGUE, AgentState, Family
from bookai.metrics.agents import Agents
from bookai.metrics.instruments import Bounded
from bookai.metrics.labels import AGENT, CAPABILITY, OTHER, Label
from bookai.models import Capability

SERIES = 3000
LIBRARY_SERIES = 25
"""What Python and the process say of themselves; measured 16, which differs by platform."""

FULL_LOAD = """
from tests.bookai.test_metrics import fill
print(fill())
"""


def fill() -> int:
    """Give every metric every combination of labels, and more; return the series exposed."""
    for metric in vars(metrics).values():
        if isinstance(metric, Bounded):
            for values in combinations(metric.family):
                metric.labels(*values)
    capabilities = dict.fromkeys(get_args(Capability), 0.5)
    many = [AgentState(f"agent-{n}", 1, 2, capabilities, "open", 0.0) for n in range(200)]
    with AGENTS.watch(lambda: many):
        lines = generate_latest().decode().splitlines()
    return sum(not line.startswith("#") for line in lines)


def combinations(family: Family) -> Iterator[tuple[str, ...]]:
    """Return every combination of the labels' values, and names beyond the limits."""
    sides = [
        [f"{label.name}-{n}" for n in range(label.most + 5)] if label.is_open else label.values
        for label in family.labels
    ]
    return islice(product(*sides), 20_000)


def test_a_studio_at_every_limit_exposes_at_most_three_thousand_series() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", FULL_LOAD], capture_output=True, text=True, timeout=60
    )

    assert ran.returncode == 0, ran.stderr
    assert 2000 < int(ran.stdout) <= SERIES


def test_the_catalogue_alone_promises_the_limit() -> None:
    assert sum(family.worst for family in CATALOGUE.values()) + LIBRARY_SERIES <= SERIES


def test_an_open_label_has_room_for_its_limit_and_then_says_other() -> None:
    label = Label("agent", most=3)

    assert [label.admit(name) for name in ("ann", "bob", "eve", "ann")] == [
        "ann",
        "bob",
        OTHER,
        "ann",
    ]


@pytest.mark.parametrize(
    "text", ["The model said: no", "", "a\nb", "x" * 65, "https://e.org/?token=1", "naïve"]
)
def test_free_text_never_becomes_a_label(text: str) -> None:
    assert Label("agent", most=10).admit(text) == OTHER


def test_a_closed_label_knows_its_values_only() -> None:
    assert [CAPABILITY.admit(name) for name in ("write", "dance")] == ["write", OTHER]


def test_no_metric_is_labelled_by_what_grows_with_the_work() -> None:
    names = {name for family in CATALOGUE.values() for name in family.label_names}

    assert names.isdisjoint({"job", "job_id", "title", "url", "trace_id", "user", "prompt", "text"})
    assert all(label.most <= 80 for family in CATALOGUE.values() for label in family.labels)


def test_the_agents_are_read_at_the_scrape_and_those_gone_are_gone() -> None:
    registry, agents = CollectorRegistry(), Agents()
    registry.register(agents)
    here = [AgentState("writer", 1, 2, {"write": 0.9}, "half_open", 1000.0)]

    def sample(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, labels)

    with agents.watch(lambda: here):
        assert sample("bookai_agent_in_flight", agent="writer") == 1
        assert sample("bookai_agent_success_probability", agent="writer", capability="write") == 0.9
        assert sample("bookai_agent_breaker_state", agent="writer", state="half_open") == 1
        here.clear()
        assert sample("bookai_agent_in_flight", agent="writer") is None


def test_two_names_of_a_label_learn_the_same_values() -> None:
    twin = AGENT.renamed("gen_ai_agent_name")
    AGENT.admit("writer")

    assert "writer" in twin.values


ATTEMPTS = """
from prometheus_client import REGISTRY
from bookai.metrics import Attempt, observe

observe(Attempt("ollama", "tiny:1b", "gpu1", "quality", "invalid_json", 1.5, 0.2))
for load_s in (0.04, 0.0, 8.0):
    observe(Attempt("ollama", "tiny:1b", "gpu9", "ok", "", 1.5, 0.2, load_s=load_s))
for name, labels in (
    ("bookai_llm_attempts_total", {"server": "gpu1", "outcome": "quality"}),
    ("bookai_llm_errors_total", {"provider": "ollama", "error_type": "invalid_json"}),
    ("bookai_llm_invalid_outputs_total", {"model": "tiny:1b", "kind": "invalid_json"}),
    ("bookai_llm_load_duration_seconds_count", {"server": "gpu9"}),
):
    print(name, REGISTRY.get_sample_value(name, labels))
"""


def test_one_attempt_at_a_model_is_counted_where_it_has_something_to_say() -> None:
    """In a process of its own: names are learned for good, and other tests teach theirs."""
    done = subprocess.run(
        [sys.executable, "-c", ATTEMPTS], capture_output=True, text=True, timeout=60, check=True
    )

    assert dict(line.split() for line in done.stdout.splitlines()) == {
        "bookai_llm_attempts_total": "1.0",
        "bookai_llm_errors_total": "1.0",
        "bookai_llm_invalid_outputs_total": "1.0",
        "bookai_llm_load_duration_seconds_count": "1.0",  # what took no time was in memory
    }


def test_the_reference_is_what_the_catalogue_says() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"
    printed = subprocess.run(
        [sys.executable, "-m", "bookai.metrics.reference"],
        capture_output=True,
        timeout=60,
        check=True,
    )

    assert printed.stdout == page.read_bytes()
