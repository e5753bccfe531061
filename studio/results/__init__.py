"""The loop's ticks that bring results home: reports of posts, product pages, forecasts."""

from studio.results.forecasts import recompute
from studio.results.links import refresh_links
from studio.results.stats import read_stats

__all__ = ["read_stats", "recompute", "refresh_links"]
