"""Every point of the experts' list is named by a test that shows it."""

import re
from pathlib import Path

NAMED = re.compile(r"Points? ((?:\d+(?:, | and )?)+)")


def test_each_of_the_33_points_is_named_by_a_test() -> None:
    named = {
        int(number)
        for path in Path(__file__).parents[1].rglob("*.py")
        for told in NAMED.findall(path.read_text(encoding="utf-8"))
        for number in re.findall(r"\d+", told)
    }

    assert set(range(1, 34)) - named == set()
