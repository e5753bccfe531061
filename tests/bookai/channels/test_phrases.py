"""A banned phrase is found however it is typed."""

import pytest

from bookai.channels.phrases import banned_in


@pytest.mark.parametrize(
    "text",
    [
        "You won't believe this",
        "YOU WON\u2019T BELIEVE this",
        "you  won't\n believe",
        "\uff39\uff4f\uff55 won't believe",
    ],
)
def test_a_phrase_is_found_however_it_is_typed(text: str) -> None:
    assert banned_in(text, ("nothing", "you won't believe")) == "you won't believe"


def test_what_is_not_said_is_not_found_and_an_empty_phrase_bans_nothing() -> None:
    assert banned_in("a well-known bridge", ("", "  ", "well known")) is None
