"""What a server says it counted is taken only where it can be."""

import pytest

from bookai.llm.hosted.growing import counted


@pytest.mark.parametrize("value", [-1, True, 1.5, "9", None, 10**12, float("inf")])
def test_what_is_no_number_of_tokens_is_not_counted(value: object) -> None:
    assert counted(value) is None


def test_a_number_of_tokens_is() -> None:
    assert (counted(0), counted(4096)) == (0, 4096)
