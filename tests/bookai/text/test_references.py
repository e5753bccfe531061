"""What hangs in the air: pronouns, "The ruling", surnames nobody introduced."""

import pytest

from bookai.text.references import dangling, introductions, strangers


@pytest.mark.parametrize(
    "text",
    [
        "The ruling came late.",
        "The statement was short.",
        "He left the city.",
        "This changed everything.",
        "Their plan failed.",
        "In June, he left the city.",
        "The decision surprised many.",
        "None has been needed since.",
        "The last one came in 2016.",
        "After that, prices rose.",
        "There is another reason to act.",
        "Doctors said the baby girl was well.",
    ],
)
def test_a_word_that_points_back_is_noticed(text: str) -> None:
    assert dangling(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "Maria Lopez left the city she loves.",
        "The roof of the cathedral fell.",
        "The world is getting warmer.",
        "The Supreme Court ruled on it.",
        "A leap second is one extra second that keeps clocks in step.",
        "There is water on Mars.",
    ],
)
def test_a_sentence_that_stands_alone_is_left_alone(text: str) -> None:
    assert dangling(text) is None


def test_a_noun_that_was_heard_before_does_not_dangle() -> None:
    assert dangling("The ruling came late.", "A court issued a ruling.") is None


def test_a_surname_is_a_stranger_until_its_owner_was_introduced() -> None:
    texts = ["Minister Yevgeny Zinichev came.", "Zinichev stopped the work."]
    introduced = introductions(texts)

    assert strangers(texts[1], 1, introduced, "") == ("Zinichev",)
    assert strangers(texts[1], 1, introduced, texts[0]) == ()


def test_an_abbreviation_needs_its_words_or_common_knowledge() -> None:
    assert strangers("The FAA denies it.", 0, {}, "") == ("FAA",)
    assert strangers("The Federal Aviation Authority, or FAA, denies it.", 0, {}, "") == ()
    assert strangers("NASA denies it.", 0, {}, "") == ()
