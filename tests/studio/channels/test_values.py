"""What is typed for a channel is read as its key means it."""

from typing import Any

import pytest

from bookai.errors import Refused
from studio.channels.values import check_over_mcp, from_pairs, from_toml


@pytest.mark.parametrize(
    ("pair", "value"),
    [
        ("seconds=30", 30),
        ("account=123", "123"),
        ('account="123"', "123"),
        ("made_for_kids=false", False),
        ("cadence.times=09:30,18:00", ["09:30", "18:00"]),
        ('cadence.times=["09:30"]', ["09:30"]),
        ("cadence.posts_per_day=3", 3),
        ("brand_voice.tone=dry, and short", "dry, and short"),
        ("banned_phrases=you won't believe", ["you won't believe"]),
        ("visibility=", None),
    ],
)
def test_a_pair_is_read_as_its_key_means_it(pair: str, value: Any) -> None:
    [found] = from_pairs([pair]).values()

    assert found == value


@pytest.mark.parametrize("pair", ["sconds=3", "cadence.tims=1", "kit.ink.x=1", "seconds.x=1"])
def test_a_key_that_no_channel_has_is_refused(pair: str) -> None:
    with pytest.raises(Refused, match="a channel has no key"):
        from_pairs([pair])


def test_lines_of_toml_are_read_to_their_keys() -> None:
    text = 'seconds = 30\ncadence.times = ["09:30"]\nbrand_voice = { tone = "dry" }\n'

    assert from_toml(text) == {
        ("seconds",): 30,
        ("cadence", "times"): ["09:30"],
        ("brand_voice", "tone"): "dry",
    }


@pytest.mark.parametrize(
    "line",
    [
        "approvals_needed = 1",
        'approvers = ["operator:me"]',
        "own_jobs = true",
        "autonomy.after = 3",
        'credentials = "file:/etc/shadow"',
        'standing = "audited"',
        'platform = "youtube"',
        'account = "mine"',
        'visibility = "public"',
        'kit.font = "/etc/passwd"',
    ],
)
def test_a_client_neither_loosens_who_decides_nor_opens_files(line: str) -> None:
    with pytest.raises(Refused, match="cannot be changed from here"):
        check_over_mcp(from_toml(f"seconds = 30\n{line}"))
