"""A change of one key leaves the rest of the file as its owner wrote it."""

import tomllib
from typing import Any

import pytest
import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st

from bookai.errors import Refused
from bookai.toml.editing import change_table

FILE = """\
# top

# the news
[channels.news]
seconds = 30   # short
cadence.times = [
  "09:30",  # morning
]

# another
[channels.other]
seconds = 31

[channels.other.kit]
ink = "#000000"

# feeds
[[sources]]
url = "a" # x
"""
NEWS, OTHER = ("channels", "news"), ("channels", "other")


def test_a_value_changes_and_its_comment_stays() -> None:
    fresh = change_table(FILE, NEWS, {("seconds",): 33})

    assert fresh == FILE.replace("seconds = 30   # short", "seconds = 33   # short")


def test_new_keys_stand_with_their_table_before_the_comments_of_the_next() -> None:
    fresh = change_table(FILE, NEWS, {("budget", "videos_per_day"): 3, ("language",): "de"})

    new = 'budget.videos_per_day = 3\nlanguage = "de"\n'
    assert fresh == FILE.replace("]\n\n# another", f"]\n{new}\n# another")


def test_a_key_of_an_inner_table_stands_under_its_header() -> None:
    fresh = change_table(FILE, OTHER, {("kit", "paper"): "#ffffff"})

    assert fresh == FILE.replace('ink = "#000000"\n', 'ink = "#000000"\npaper = "#ffffff"\n')


def test_a_new_table_stands_at_the_end() -> None:
    fresh = change_table(FILE, ("channels", "my chan"), {("cadence", "times"): ["10:00"]})

    assert fresh == FILE + '\n[channels."my chan"]\ncadence.times = ["10:00"]\n'


def test_a_key_that_is_taken_away_is_gone_and_no_more() -> None:
    fresh = change_table(FILE, NEWS, {("seconds",): None, ("never", "there"): None})

    assert fresh == FILE.replace("seconds = 30   # short\n", "")


def test_line_ends_of_another_system_stay() -> None:
    fresh = change_table(FILE.replace("\n", "\r\n"), NEWS, {("language",): "de"})

    assert fresh.replace("\r\n", "").count("\n") == 0
    assert tomllib.loads(fresh)["channels"]["news"]["language"] == "de"


def test_what_cannot_be_written_there_is_left_to_its_owner() -> None:
    with pytest.raises(Refused, match=r"change channels\.more in it by hand"):
        change_table("channels = { news = { seconds = 30 } }\n", ("channels", "more"), {})


SHAPES = (
    FILE,
    "",
    "channels.news.seconds = 30\nhttp_port = 1\n",
    "[channels]\nnews.seconds = 30 # c\n[other]\na = 1\n",
    "[channels.news]\n[x]\n[channels.news.cadence]\nwaiting = 3 # c\n# end",
    "[channels.news.kit]\nink = 'black'\n[x]\n",
    "[channels]\n[channels.news]\nbrand_voice = { tone = 'dry' } # c\n",
)
KEYS = st.sampled_from(
    [
        ("seconds",),
        ("brand",),
        ("kit", "ink"),
        ("cadence", "times"),
        ("cadence", "waiting"),
        ("brand_voice", "tone"),
        ("brand_voice", "do"),
    ]
)
VALUES = st.one_of(
    st.none(), st.integers(0, 99), st.text(max_size=5), st.lists(st.text(max_size=3), max_size=2)
)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(SHAPES), st.dictionaries(KEYS, VALUES, max_size=4))
def test_whatever_is_changed_reads_back_as_it_was_asked_for(
    text: str, changes: dict[tuple[str, ...], Any]
) -> None:
    try:
        fresh = change_table(text, NEWS, changes)
    except Refused:
        return

    found: Any = tomllib.loads(fresh)["channels"]["news"]
    for path, value in changes.items():
        inner = found
        for key in path:
            inner = inner.get(key) if isinstance(inner, dict) else None
        assert inner == value
    # What stands inside of an array goes with it.
    comments = {line.partition("#")[2] for line in text.split("\n") if "#" in line} - {" morning"}
    gone = {path for path, value in changes.items() if value is None}
    assert gone or all(comment in fresh for comment in comments)
    assert tomlkit.parse(fresh).as_string() == fresh
