"""What a channel's platform allows: posts in 24 hours, and whether it can keep one private."""

from datetime import timedelta

from tools.checks.platforms import PerDay, read_specs
from tools.platforms.base import platforms

DAY = timedelta(hours=24)


def day_cap(platform: str) -> PerDay | None:
    """Return how many posts it takes in any 24 hours, None where nothing is known."""
    found = read_specs().platforms.get(platform)
    return found.day if found else None


def counted_as(platform: str, account: str) -> str:
    """Name what two must not count at once: an app's cap is that of its whole platform."""
    return platform if is_per_app(platform) else f"{platform}/{account}"


def is_per_app(platform: str) -> bool:
    """Tell whether it counts all accounts together."""
    cap = day_cap(platform)
    return cap is not None and cap.per == "app"


def told_cap(platform: str) -> str:
    """Say how many posts it takes, and how well that is known."""
    cap = day_cap(platform)
    if cap is None:
        return f"no cap of {platform} is known"
    return f"{platform} takes {cap.most} posts in 24 hours for each {cap.per} ({cap.evidence})"


def keeps_private(platform: str) -> bool:
    """Tell whether it can keep a post private; one that there is not cannot."""
    found = platforms().get(platform)
    return found is not None and "private" in found.sees
