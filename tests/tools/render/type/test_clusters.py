import pytest

from tools.render.type.clusters import LONGEST, clusters


@pytest.mark.parametrize(
    "letters",
    [
        ["c", "a", "f", "e\u0301"],
        ["क्षि", "ति", "ज"],
        ["ที่", "นี่", "น้ำ"],
        ["เก", "ม"],
        ["ស្ត្រី"],
        ["한\u11a8".replace("한", "\u1112\u1161"), "가"],
        ["日", "本", "が\u3099"],
    ],
    ids=" ".join,
)
def test_a_letter_keeps_its_marks(letters: list[str]) -> None:
    assert clusters("".join(letters)) == letters


def test_a_pile_of_marks_without_end_is_cut() -> None:
    pieces = clusters("a" + "\u0301" * 10_000)

    assert "".join(pieces) == "a" + "\u0301" * 10_000
    assert max(map(len, pieces)) == LONGEST
