"""How a panel is described, and the queries that many of them ask."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel; `lines` are pairs of a query and its legend."""

    title: str
    unit: str
    lines: tuple[tuple[str, str], ...]
    kind: str = "timeseries"


def rate(metric: str, by: str) -> str:
    """Return a counter's rate, summed by a label."""
    return f"sum by ({by}) (rate({metric}[$__rate_interval]))"


def quantiles(
    metric: str, by: str = "", points: tuple[float, ...] = (0.5, 0.95)
) -> Iterator[tuple[str, str]]:
    """Return quantiles of a histogram with a legend each."""
    labels = f"le, {by}" if by else "le"
    for point in points:
        total = f"sum by ({labels}) (rate({metric}_bucket[$__rate_interval]))"
        name = f"p{point * 100:.0f}" + (f" {{{{{by}}}}}" if by else "")
        yield f"histogram_quantile({point}, {total})", name


def mean(metric: str, by: str) -> str:
    """Return the mean of a histogram or summary, by a label."""
    return f"{rate(f'{metric}_sum', by)} / {rate(f'{metric}_count', by)}"
