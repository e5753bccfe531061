"""A job is one trace, whoever works on it, and nothing that somebody wrote stands in it."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from prometheus_client import REGISTRY

from bookai import tracing
from bookai.db.pool import Pool
from bookai.running import TracesSettings
from bookai.settings import Settings
from studio.tracing.keeping import Careful, Ids, is_kept
from studio.tracing.opening import address, open_traces
from tests.studio.tracing.collector import Collector, Got, collecting

pytestmark = pytest.mark.timeout(90)

PROGRAM = Path(__file__).with_name("traced_process.py")
ROOT = PROGRAM.parents[3]
PARTS = ("agents", "bookai", "graphs", "mcp_server", "studio", "tools")


def carried(settings: Settings, collector: Collector, sample: float = 1.0) -> None:
    options = {
        "home": str(settings.home),
        "dsn": settings.dsn,
        "admin_dsn": settings.admin_dsn,
        "otlp_url": collector.url,
        "sample": sample,
    }
    done = subprocess.run(
        [sys.executable, str(PROGRAM), json.dumps(options)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr


def path_of(span: Got, spans: list[Got]) -> tuple[str, ...]:
    """Return the names from the root down to a span."""
    above = next((one for one in spans if one.span == span.parent), None)
    return (*(path_of(above, spans) if above else ()), span.name)


def test_a_job_is_one_trace_from_the_tick_that_made_it_to_its_publication(
    settings: Settings,
) -> None:
    with collecting() as collector:
        carried(settings, collector)

    of_job = [one for one in collector.spans if one.told.get("bookai.job_id") == 1]
    assert len({one.trace for one in of_job}) == 1
    spans = [one for one in collector.spans if one.trace == of_job[0].trace]
    paths = {path_of(one, spans) for one in spans}
    step = ("job", "turn", "step")
    assert {
        ("job",),
        ("job", "tick"),
        step,
        (*step, "attempt"),
        (*step, "attempt", "tools/call list_made"),
        ("job", "approval"),
    } <= paths
    assert all(path[0] == "job" for path in paths)
    steps = [one.told["bookai.capability"] for one in spans if one.name == "step"]
    assert set(steps) >= {"scout", "write", "render", "publish", "report"}
    root = next(one for one in spans if one.name == "job")
    assert (root.parent, root.told["bookai.outcome"], root.failed) == ("", "done", False)

    # What people, feeds and models wrote is not in it, nor are the words of errors.
    for word in (b"secret", b"A title", b"example.org", b"gallery/"):
        assert word not in collector.raw
    assert {one.words for one in collector.spans} == {""}


def test_every_process_finds_the_same_trace_for_a_job_and_another_for_the_next() -> None:
    one, again, next_, elsewhere = (
        Ids.of(studio, job) for studio, job in (("a", 1), ("a", 1), ("a", 2), ("b", 1))
    )

    assert one == again
    assert len({one.trace_id, next_.trace_id, elsewhere.trace_id}) == 3


def test_a_share_of_the_traces_is_kept_the_same_ones_by_everybody() -> None:
    traces = [Ids.of("studio", job).trace_id for job in range(2000)]
    kept = [one for one in traces if is_kept(one, 0.25)]

    assert 400 < len(kept) < 600
    assert all(is_kept(one, 0.5) for one in kept)
    assert [one for one in traces if is_kept(one, 0)] == []


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
        ("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces"),
        ("https://o.example/otlp/v1/traces", "https://o.example/otlp/v1/traces"),
    ],
)
def test_a_collectors_address_gets_the_path_that_spans_go_to(url: str, found: str) -> None:
    assert address(url) == found


async def test_without_a_collector_nothing_is_kept(pool: Pool) -> None:
    async with open_traces(TracesSettings(), pool):
        with tracing.tick("plan"), tracing.span("turn", 1):
            tracing.job_made(1)
        assert tracing.is_on() is False


def test_one_file_alone_loads_the_sdk_and_only_where_a_collector_is_named() -> None:
    ours = (path for part in PARTS for path in (ROOT / part).rglob("*.py"))
    loading = [path for path in ours if "opentelemetry." in path.read_text(encoding="utf-8")]

    assert [str(path.relative_to(ROOT)) for path in loading] == ["studio/tracing/keeping.py"]
    assert "import_module" in (ROOT / "studio/tracing/opening.py").read_text(encoding="utf-8")


class Deaf(SpanExporter):
    """A collector that is away."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return SpanExportResult.FAILURE


def test_spans_that_no_collector_takes_are_counted() -> None:
    def lost() -> float:
        return REGISTRY.get_sample_value("bookai_trace_spans_lost_total") or 0.0

    before = lost()
    Careful(Deaf()).export([ReadableSpan("turn"), ReadableSpan("step")])

    assert lost() == before + 2
