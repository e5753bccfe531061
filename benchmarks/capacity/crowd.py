"""A large studio's settings: as many channels and feeds as are asked for."""

from dataclasses import dataclass

from benchmarks.unattended.feeds import Feeds

DAY_S = 86_400
LEAST_S = 60


@dataclass(frozen=True, slots=True)
class Size:
    """How large the studio is; `jobs` a day."""

    feeds: int
    channels: int
    products: int
    jobs: int

    @property
    def job_every_s(self) -> float:
        """How often each feed gives a job, in seconds, at rate 1."""
        return DAY_S * self.feeds / self.jobs

    @property
    def story_every_s(self) -> float:
        """How often a feed shows a new story: more often than a job needs one."""
        return self.job_every_s / 2

    def source_every_s(self, rate: float) -> int:
        """Return what stands in the settings; under a minute is not allowed there."""
        return max(LEAST_S, round(self.job_every_s / rate))


def settings_text(size: Size, feeds: Feeds, rate: float) -> str:
    """Return studio.toml: every feed belongs to one channel and has a niche of its own."""
    lines = ['allow_private = ["127.0.0.1"]', "", "[approvals]", "single_operator = true"]
    for number in range(size.channels):
        lines += ["", f"[channels.{channel(number)}]", f'account = "{channel(number)}"']
        lines += [f"[channels.{channel(number)}.cadence]", "waiting = 10000"]
    for number in range(size.feeds):
        lines += [
            "",
            "[[sources]]",
            f'url = "{feeds.url(number)}"',
            f'channel = "{channel(number % size.channels)}"',
            f'niche = "niche {number}"',
            f"every_s = {size.source_every_s(rate)}",
        ]
    return "\n".join(lines) + "\n"


def channel(number: int) -> str:
    """Return a channel's name."""
    return f"channel{number:03}"
