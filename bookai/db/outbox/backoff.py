"""How long a post waits until it is tried again."""

FIRST_S = 30.0
LONGEST_S = 3600.0
JITTER = 0.2


def wait_s(tries: int, asked_s: float, chance: float) -> float:
    """Return the seconds to wait after `tries` sends, `chance` being random from 0 to 1.

    The platform's own `asked_s` is a floor, never cut: whoever comes earlier is refused again. The
    jitter is added, so that posts that failed together do not come back together.
    """
    doubled = min(FIRST_S * 2.0 ** max(min(tries, 20) - 1, 0), LONGEST_S)
    return max(doubled, asked_s) * (1 + JITTER * chance)
