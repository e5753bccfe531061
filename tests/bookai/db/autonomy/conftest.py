"""The ladder goes by the database's clock: here it stands."""

from collections.abc import Iterator

import pytest

from tests.bookai.db.approvals.asked import NOW
from tests.bookai.db.autonomy.clock import StandingClock, standing_clock


@pytest.fixture
def clock(admin_dsn: str) -> Iterator[StandingClock]:
    """The time of the database, at first `NOW`."""
    with standing_clock(admin_dsn, NOW) as clock:
        yield clock
