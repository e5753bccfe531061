"""How the studio runs unattended: its loop, what it keeps, how full the disk may be, traces."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LoopSettings(_Table):
    """How often the loop looks; all in seconds but `at_once`, the ticks that run side by side.

    `speed` makes that much more frequent what the loop looks at, for trials; what a channel's or a
    source's own cadence says stays as it is.
    """

    plan_every_s: int = Field(default=300, ge=10, le=86_400)
    outbox_every_s: int = Field(default=60, ge=10, le=86_400)
    stats_every_s: int = Field(default=3600, ge=60, le=604_800)
    links_every_s: int = Field(default=86_400, ge=600, le=2_592_000)
    forecasts_every_s: int = Field(default=3600, ge=60, le=604_800)
    prune_every_s: int = Field(default=3600, ge=60, le=604_800)
    disk_every_s: int = Field(default=30, ge=5, le=3600)
    ladder_every_s: int = Field(default=60, ge=10, le=86_400)
    at_once: int = Field(default=8, ge=1, le=64)
    speed: float = Field(default=1.0, ge=1, le=3600)


class RetentionSettings(_Table):
    """How long things are kept, in days; None: for ever. The audit log is never pruned."""

    media_days: float | None = Field(default=30.0, ge=1, le=36_500)
    checkpoints_days: float | None = Field(default=7.0, ge=1, le=36_500)
    ticks_days: float | None = Field(default=14.0, ge=1, le=36_500)
    slots_days: float | None = Field(default=30.0, ge=1, le=36_500)
    cache_gib: float = Field(default=5.0, ge=0.1, le=100_000)


class DiskSettings(_Table):
    """When the disk is too full: making videos is paused under `pause_gib`, resumed over `go_gib`.

    GiB that are free for the studio's user on the file system of its home.
    """

    pause_gib: float = Field(default=1.0, ge=0.05, le=100_000)
    go_gib: float = Field(default=2.0, ge=0.05, le=100_000)


class TracesSettings(_Table):
    """Where OpenTelemetry traces go: an OTLP/HTTP address; None: nowhere."""

    otlp_url: Annotated[str, Field(pattern=r"^https?://[^\s/@]+(/[^\s@]*)?$")] | None = None
    sample: float = Field(default=1.0, ge=0, le=1)
