"""Open the way to a collector; without one nothing of OpenTelemetry's SDK is loaded."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from urllib.parse import urlsplit

from bookai import tracing
from bookai.db import processes
from bookai.db.pool import Pool
from bookai.errors import OperatorNeeded
from bookai.running import TracesSettings

PATH = "/v1/traces"


@asynccontextmanager
async def open_traces(settings: TracesSettings, pool: Pool) -> AsyncIterator[None]:
    """Send this process's spans to the collector of the settings, and the last ones at the end.

    A collector that is away costs its spans, never work: they are kept for a while, then dropped.

    Raises:
        OperatorNeeded: the extra that traces need is not installed.
    """
    if settings.otlp_url is None or tracing.is_on():
        yield
        return
    try:
        keeping = import_module("studio.tracing.keeping")
    except ModuleNotFoundError as error:
        raise OperatorNeeded(
            f"traces.otlp_url is set, but {error.name} is not installed.",
            mend="pip install 'bookai-studio[traces]', or take otlp_url out of [traces].",
        ) from error
    studio = await processes.studio_id(pool)
    spans = keeping.Spans(studio, address(settings.otlp_url), settings.sample)
    try:
        with tracing.tracing(spans):
            yield
    finally:
        await asyncio.to_thread(spans.close)


def address(url: str) -> str:
    """Return where spans go: a collector's own address gets the path that OTLP/HTTP has."""
    return url if urlsplit(url).path.strip("/") else url.rstrip("/") + PATH
