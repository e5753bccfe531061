"""An office, and a platform of ours in the place of the real ones."""

from collections.abc import AsyncIterator

import pytest

from bookai.settings import Settings
from studio.office import Office, open_office
from tests.studio.results.posted import Counting
from tools.platforms import base


@pytest.fixture
async def office(settings: Settings) -> AsyncIterator[Office]:
    async with open_office(settings) as opened:
        yield opened


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> Counting:
    platform = Counting()
    monkeypatch.setitem(base.platforms(), "scripted", platform)
    return platform
