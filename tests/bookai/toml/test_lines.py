"""Each key of a file is found on its line, however TOML lets it be written."""

import tomllib
from collections.abc import Iterator
from typing import Any

import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st

from bookai.toml import KeyPath, line_of, lines_of

FILE = '''\
# a comment with = and [brackets]
title = "a # in a string, [and] {more}"   # and one behind it
http_port = 1

[channels.news]
seconds = 30
cadence.times = [
  "09:30",  # first, "quoted"
  "25:00",
]
cadence.days = ["mon", "tue"]
brand = """
three lines = [
"""
brand_voice = { tone = 'dry\\', do = ["say \\"why\\"", "be brief"] }
[channels."my chan".kit]
ink = "#000000"
[[sources]]
url = "a"
[[sources]]
url = """b"quoted""""
every_s = 5
[sources.more]
deep = 1979-05-27T07:32:00
'''

EXPECTED: dict[KeyPath, int] = {
    ("title",): 2,
    ("http_port",): 3,
    ("channels", "news"): 5,
    ("channels", "news", "seconds"): 6,
    ("channels", "news", "cadence", "times"): 7,
    ("channels", "news", "cadence", "times", 0): 8,
    ("channels", "news", "cadence", "times", 1): 9,
    ("channels", "news", "cadence", "days", 1): 11,
    ("channels", "news", "brand"): 12,
    ("channels", "news", "brand_voice", "do", 1): 15,
    ("channels", "my chan", "kit", "ink"): 17,
    ("sources", 0, "url"): 19,
    ("sources", 1): 20,
    ("sources", 1, "every_s"): 22,
    ("sources", 1, "more", "deep"): 24,
}


def test_every_way_to_write_a_key_has_its_line() -> None:
    tomllib.loads(FILE)

    lines = lines_of(FILE)

    assert {path: lines.get(path) for path in EXPECTED} == EXPECTED


def test_files_of_other_systems_have_the_same_lines() -> None:
    assert lines_of(FILE.replace("\n", "\r\n")) == lines_of(FILE)


def test_a_key_that_is_missing_is_looked_for_at_its_table() -> None:
    lines = lines_of("\n[channels.news]\n")

    assert line_of(lines, ("channels", "news", "platform")) == 2
    assert line_of(lines, ("sources",)) is None


def paths(value: Any, at: KeyPath = ()) -> Iterator[KeyPath]:
    match value:
        case dict():
            for key, inner in value.items():
                yield (*at, key)
                yield from paths(inner, (*at, key))
        case list():
            for number, inner in enumerate(value):
                yield (*at, number)
                yield from paths(inner, (*at, number))


KEYS = st.text(
    st.characters(codec="utf-8", min_codepoint=32, exclude_characters="\x7f"), max_size=6
)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x7f"), max_size=12)
VALUES = st.recursive(
    st.one_of(st.booleans(), st.integers(-9, 9), TEXTS, st.floats(allow_nan=False)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_no_key_of_any_file_is_missed_and_none_is_made_up(values: dict[str, Any]) -> None:
    text = tomlkit.dumps(values)
    expected = set(paths(tomllib.loads(text)))

    lines = lines_of(text)

    assert set(lines) == expected
    assert all(1 <= line <= text.count("\n") + 1 for line in lines.values())
