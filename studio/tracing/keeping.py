"""Keep spans by OpenTelemetry and send them to a collector over OTLP/HTTP.

A job's trace has an id that follows from the studio and the job, so every process adds to the same
trace without asking another. What leaves the process passes one door: names and attributes of a
closed list, no events, no words of errors; those of the MCP library's own spans too.
"""

import hashlib
import os
import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    ProxyTracerProvider,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
)
from opentelemetry.util.types import Attributes

from bookai.house import VERSION
from bookai.metrics import SPANS_LOST
from bookai.tracing import Name, Past, Value

SCOPE = "bookai"
SEND_S = 3.0
KEPT = 4096
EVERY_MS = 2000.0
PREFIX = "bookai."

ATTRIBUTES = frozenset(
    PREFIX + name
    for name in ("job_id", "capability", "round", "agent", "attempt", "tick", "outcome", "status")
) | {"mcp.method.name", "gen_ai.operation.name", "gen_ai.tool.name", "error.type"}
_VALUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/@+-]{0,63}")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*( [A-Za-z0-9_./-]+){0,3}")
_GOOD = frozenset({"ok", "done", "approved"})


@dataclass(frozen=True, slots=True)
class Ids:
    """The numbers of a job's trace, and of the span that all its others hang on."""

    trace_id: int
    span_id: int

    @classmethod
    def of(cls, studio: str, job_id: int) -> "Ids":
        """Return what every process of the studio finds for this job."""
        digest = _digest(studio, str(job_id))
        return cls(int.from_bytes(digest[:16]), int.from_bytes(digest[16:24]) or 1)

    def context(self) -> SpanContext:
        """Return the root span as a parent of others."""
        return SpanContext(self.trace_id, self.span_id, True, TraceFlags(TraceFlags.SAMPLED))


class Spans:
    """The spans of this process; `sample` is the share of traces that are kept, 0 to 1."""

    def __init__(self, studio: str, url: str, sample: float) -> None:
        self._studio = studio
        self._sample = sample
        self._resource = Resource(
            {
                "service.name": "bookai",
                "service.version": VERSION,
                "service.instance.id": f"{socket.gethostname()}:{os.getpid()}",
            }
        )
        self._provider = TracerProvider(
            sampler=_ByTrace(sample), resource=self._resource, shutdown_on_exit=False
        )
        self._sending = BatchSpanProcessor(
            Careful(OTLPSpanExporter(endpoint=url, timeout=SEND_S)),
            max_queue_size=KEPT,
            schedule_delay_millis=EVERY_MS,
        )
        self._provider.add_span_processor(self._sending)
        self._tracer = self._provider.get_tracer(SCOPE, VERSION)
        if isinstance(trace.get_tracer_provider(), ProxyTracerProvider):
            # The MCP library's spans are our tool calls, and it carries our trace over the wire.
            trace.set_tracer_provider(self._provider)

    @contextmanager
    def span(self, name: Name, job_id: int | None, told: Mapping[str, Value]) -> Iterator[None]:
        """Measure the block, under whatever is measured of the same job around it."""
        with self._tracer.start_as_current_span(
            name,
            context=self._around(job_id),
            attributes=_attributes(job_id, told),
            record_exception=False,
            set_status_on_exception=False,
        ) as one:
            try:
                yield
            except BaseException as error:
                one.set_attribute(PREFIX + "outcome", type(error).__name__)
                one.set_status(Status(StatusCode.ERROR))
                raise
            one.set_attribute(PREFIX + "outcome", "ok")

    def past(self, past: Past, told: Mapping[str, Value]) -> None:
        """Keep what has ended, under the numbers that it always has."""
        ids = Ids.of(self._studio, past.job_id)
        if not is_kept(ids.trace_id, self._sample):
            return
        root = ids.context()
        own = _digest(self._studio, str(past.job_id), past.name, past.key)
        is_root = past.name == "job"
        span_id = ids.span_id if is_root else int.from_bytes(own[:8]) or 1
        good = past.outcome in _GOOD
        self._sending.on_end(
            ReadableSpan(
                name=past.name,
                context=SpanContext(ids.trace_id, span_id, False, root.trace_flags),
                parent=None if is_root else root,
                resource=self._resource,
                attributes=_attributes(past.job_id, {**told, "outcome": past.outcome}),
                kind=SpanKind.INTERNAL,
                status=Status(StatusCode.UNSET if good else StatusCode.ERROR),
                start_time=_ns(past.began),
                end_time=_ns(max(past.began, past.ended)),
                instrumentation_scope=InstrumentationScope(SCOPE, VERSION),
            )
        )

    def close(self) -> None:
        """Send what is left, for a few seconds."""
        self._provider.shutdown()

    def _around(self, job_id: int | None) -> Context | None:
        if job_id is None:
            return Context()
        ids = Ids.of(self._studio, job_id)
        if trace.get_current_span().get_span_context().trace_id == ids.trace_id:
            return None
        return trace.set_span_in_context(NonRecordingSpan(ids.context()), Context())


class Careful(SpanExporter):
    """Lets out what may be known of a span, and counts those that no collector took."""

    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans without anything that somebody else wrote."""
        result = self._inner.export([_cleaned(one) for one in spans])
        if result is not SpanExportResult.SUCCESS:
            SPANS_LOST.inc(len(spans))
        return result

    def shutdown(self) -> None:
        """Let the line go."""
        self._inner.shutdown()


class _ByTrace(Sampler):
    """Keep a share of the traces, by their numbers: all processes choose the same ones.

    What is neither a tick nor a part of a trace, as a list of tools that a client asks for, is
    not kept.
    """

    def __init__(self, share: float) -> None:
        self._share = share

    def should_sample(  # noqa: PLR0913  # the library calls it so
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Decide for one span."""
        parent = trace.get_current_span(parent_context).get_span_context()
        kept = (parent.is_valid or name == "tick") and is_kept(trace_id, self._share)
        decision = Decision.RECORD_AND_SAMPLE if kept else Decision.DROP
        return SamplingResult(decision, attributes)

    def get_description(self) -> str:
        """Name this way of choosing."""
        return f"ByTrace({self._share})"


def is_kept(trace_id: int, share: float) -> bool:
    """Tell whether a trace is among the share that is kept."""
    return (trace_id & (2**64 - 1)) < share * 2**64


def _cleaned(span: ReadableSpan) -> ReadableSpan:
    told = {
        key: value if isinstance(value, int) or _VALUE.fullmatch(str(value)) else "other"
        for key, value in (span.attributes or {}).items()
        if key in ATTRIBUTES
    }
    return ReadableSpan(
        name=span.name if _NAME.fullmatch(span.name[:80]) else "other",
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=told,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _attributes(job_id: int | None, told: Mapping[str, Value]) -> dict[str, Value]:
    of_job = {} if job_id is None else {"job_id": job_id}
    return {PREFIX + key: value for key, value in (*of_job.items(), *told.items())}


def _digest(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(("bookai", *parts)).encode()).digest()


def _ns(at: datetime) -> int:
    return round(at.timestamp() * 1_000_000) * 1000
