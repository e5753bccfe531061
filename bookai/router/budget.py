"""A bound on second tries, so that retries never make an overload worse."""


class RetryBudget:
    """Every task earns a share of a retry, every retry spends a whole one.

    So in the long run at most `rate` of the tasks are tried again, and `burst` at once.
    """

    def __init__(self, rate: float = 0.3, burst: float = 50.0) -> None:
        self.rate = rate
        self.burst = burst
        self.tokens = burst

    def earn(self) -> None:
        """Count a new task."""
        self.tokens = min(self.burst, self.tokens + self.rate)

    def spend(self) -> bool:
        """Take a retry; False when none is left."""
        if self.tokens < 1.0:
            return False
        self.tokens -= 1.0
        return True
