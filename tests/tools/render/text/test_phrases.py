from hypothesis import given, settings
from hypothesis import strategies as st

from tools.render.text.phrases import cut

ROOM = 800.0


def phrases(text: str) -> list[str]:
    words = text.split()
    found = cut(words, [40.0 * len(w) for w in words], [30.0] * len(words), ROOM)
    return [" / ".join(" ".join(words[a:b]) for a, b in phrase.lines) for phrase in found]


def test_a_line_ends_where_a_part_of_the_sentence_ends() -> None:
    assert phrases("When it rains, the clock is right.") == ["When it rains, / the clock is right."]


def test_no_caption_ends_on_an_article_where_it_can_be_helped() -> None:
    made = phrases("They said that the very old committee met in the city to drop a second")

    assert not [phrase for phrase in made if phrase.endswith((" the", " a", " to", " that"))]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 20), min_size=1, max_size=60))
def test_every_word_is_shown_once_in_at_most_two_lines_that_fit(lengths: list[int]) -> None:
    words = ["x" * length for length in lengths]
    widths = [40.0 * length for length in lengths]

    made = cut(words, widths, [30.0] * len(words), ROOM)

    assert [k for p in made for a, b in p.lines for k in range(a, b)] == list(range(len(words)))
    assert all(len(phrase.lines) <= 2 for phrase in made)
    assert all(
        sum(widths[a:b]) + 30 * (b - a - 1) <= ROOM for phrase in made for a, b in phrase.lines
    )
