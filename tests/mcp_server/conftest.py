import pytest

from tests.mcp_server.doubles import Studio


@pytest.fixture
def studio() -> Studio:
    return Studio()
