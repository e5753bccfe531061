"""What is out at the platform and what the studio believes are compared both ways."""

from dataclasses import replace

import pytest

from bookai.db.outbox import OutboxRow
from studio.rehearsal.peers.video import Out
from studio.rehearsal.telling.proofs import once_out
from tests.studio.rehearsal.telling.test_meeting import OUT, POSTED, post

KNOWN = {3: post(**POSTED)}
AGAIN = replace(OUT, number=8, key="another key")


def test_a_post_that_is_out_once_and_known_keeps_the_promise() -> None:
    assert once_out((OUT,), KNOWN).ok


@pytest.mark.parametrize(
    ("out", "posts", "why"),
    [
        ((OUT, AGAIN), {3: post(**POSTED), 4: post(**POSTED | {"external_id": "8"})}, "1 twice"),
        ((OUT,), {}, "1 unknown to the studio"),
        ((), KNOWN, "1 known to it alone"),
    ],
)
def test_a_doubled_a_lost_and_an_imagined_post_break_it(
    out: tuple[Out, ...], posts: dict[int, OutboxRow], why: str
) -> None:
    proof = once_out(out, posts)

    assert not proof.ok
    assert why in proof.found
