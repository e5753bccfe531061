from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tools.voices._timing import WordEvent, heard_span, intervals, join_spoken, trim_pauses

RATE = 22_050


def burst(seconds: float, level: float) -> list[float]:
    return [level, -level] * int(seconds * RATE / 2)


def test_a_token_begins_at_its_first_event() -> None:
    spoken = join_spoken(["one", "twenty seven", "end"])

    found = intervals(
        spoken,
        [WordEvent(0, 0.0), WordEvent(4, 0.5), WordEvent(11, 0.8), WordEvent(17, 1.2)],
        0.0,
        2.0,
    )

    assert found == [(0.0, 0.5), (0.5, 1.2), (1.2, 2.0)]


def test_words_said_in_one_breath_share_the_time_by_their_length() -> None:
    spoken = join_spoken(["in", "them", "all"])

    found = intervals(spoken, [WordEvent(0, 0.0), WordEvent(8, 0.6)], 0.0, 1.0)

    assert [round(end - begin, 3) for begin, end in found] == [0.2, 0.4, 0.4]


def test_what_is_only_shown_gets_a_moment_before_the_first_word() -> None:
    spoken = join_spoken(["", "", "hello"])

    found = intervals(spoken, [WordEvent(0, 0.1)], 0.1, 1.0)

    assert all(end > begin for begin, end in found)
    assert found[0][0] == 0.1


@given(
    words=st.lists(st.sampled_from(["", "a", "in", "twenty seven", ",", "x" * 50]), min_size=1),
    events=st.lists(
        st.tuples(st.integers(-3, 400), st.floats(-1, 30, allow_nan=False)), max_size=40
    ),
)
def test_every_token_gets_its_time_whatever_the_engine_reports(
    words: list[str], events: list[tuple[int, float]]
) -> None:
    spoken = join_spoken(words)

    found = intervals(spoken, [WordEvent(at, start) for at, start in events], 0.13, 20.0)

    assert len(found) == len(words)
    assert found[0][0] == 0.13
    assert found[-1][1] == 20.0
    assert all(begin < end for begin, end in found)
    assert all(one[1] == two[0] for one, two in pairwise(found))


def test_silence_around_the_words_is_found() -> None:
    samples = np.array([0.0] * RATE + burst(1, 0.5) + [0.0] * RATE, np.float32)

    start_s, end_s = heard_span(samples, RATE)

    assert 0.97 <= start_s <= 1.0
    assert 2.0 <= end_s <= 2.06


def test_silence_alone_has_no_span() -> None:
    assert heard_span(np.zeros(RATE, np.float32), RATE) == (0.0, 0.0)


def test_a_pause_belongs_to_no_word() -> None:
    samples = np.array(burst(1, 0.5) + [0.0] * RATE + burst(1, 0.5), np.float32)

    first, second = trim_pauses([(0.0, 2.0), (2.0, 3.0)], samples, RATE)

    assert 1.0 <= first[1] <= 1.06
    assert second == (2.0, 3.0)
