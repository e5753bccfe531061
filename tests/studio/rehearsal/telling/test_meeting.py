"""How a fault was met is read from the studio's rows, and what was not met is said to be so."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bookai.db.jobs import JobRow
from bookai.db.outbox import OutboxRow
from bookai.db.results.posts import PostResult
from studio.rehearsal.peers.video import BUSY_S, Met, Out
from studio.rehearsal.telling.meeting import Case, Facts, faults_met, judge, told

AT = datetime(2026, 3, 23, 12, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
OUT = Out(7, "k", "a", "A title", AT, 100)
POSTED = {"state": "posted", "external_id": "7", "published_at": AT + QUARTER}


def post(**changes: Any) -> OutboxRow:
    values: dict[str, Any] = dict.fromkeys(OutboxRow.model_fields)
    values |= {"post_id": 1, "job_id": 3, "platform": "simulated", "account": "a", "attempt": 1}
    values |= {"title": "A title", "digest": "d", "idempotency_key": "k", "tries": 1}
    values |= {"state": "failed", "created_at": AT, "updated_at": AT, "has_handle": False}
    return OutboxRow(**(values | changes))


def job(status: str = "done", reason: str | None = None) -> JobRow:
    return JobRow(
        job_id=3,
        source="s",
        channel="c",
        status=status,
        stage="publish",
        percent=0,
        reason=reason,
        requested_by="schedule",
        stage_seconds={},
        created_at=AT,
        updated_at=AT,
        approval_id=None,
        title=None,
        url=None,
        not_before=None,
    )


def facts(row: OutboxRow, job_row: JobRow, **changes: Any) -> Facts:
    whole = Facts(
        posts={"k": row},
        sends={"k": [AT]},
        out={},
        rows={3: job_row},
        entries={},
        resumed={},
        results={},
    )
    return replace(whole, **changes)


def test_a_post_that_went_out_tells_after_how_long_and_how_many_sends() -> None:
    seen = facts(post(**POSTED), job(), out={"k": OUT}, sends={"k": [AT, AT + QUARTER]})

    assert judge(Met(AT, "busy", "k"), seen) == Case("out", 1, QUARTER)


def test_whoever_comes_back_before_the_platforms_time_has_not_met_a_429() -> None:
    early = AT + timedelta(seconds=BUSY_S - 60)
    seen = facts(post(**POSTED), job(), out={"k": OUT}, sends={"k": [AT, early]})

    case = judge(Met(AT, "busy", "k"), seen)

    assert (case.ending, case.why) == (
        "unmet",
        "sent again after 14 min, and 15 min were asked for",
    )


@pytest.mark.parametrize("fault", ["lost answer", "rejected"])
def test_what_must_not_be_sent_again_and_was_is_not_met(fault: str) -> None:
    seen = facts(post(**POSTED), job(), out={"k": OUT}, sends={"k": [AT, AT + QUARTER]})

    assert judge(Met(AT, fault, "k"), seen).ending == "unmet"


def test_a_receipt_for_nothing_is_not_met() -> None:
    case = judge(Met(AT, "lost answer", "k"), facts(post(**POSTED), job()))

    assert (case.ending, case.why) == ("unmet", "its receipt says 7, and nothing is out")


def test_what_was_given_up_and_is_out_all_the_same_is_not_met() -> None:
    dead = post(state="dead", reason="no")

    assert judge(Met(AT, "rejected", "k"), facts(dead, job("refused"))).ending == "given up"
    met = judge(Met(AT, "rejected", "k"), facts(dead, job("refused"), out={"k": OUT}))
    assert (met.ending, met.why) == ("unmet", "it was given up, and is out as number 7")


def test_a_job_that_nothing_moves_is_not_met_and_one_with_an_entry_waits() -> None:
    met, queued = Met(AT, "busy", "k"), job("queued")

    assert judge(met, facts(post(), queued)).ending == "unmet"
    assert judge(met, facts(post(), queued, entries={3: AT + QUARTER})).ending == "waits"


def test_what_stopped_for_an_operator_says_why_and_whether_he_resumed_it() -> None:
    met = Met(AT, "expired token", "k")
    stopped = facts(post(), job("failed", "the token has expired"))
    resumed = facts(post(**POSTED), job(), out={"k": OUT}, resumed={3: AT + QUARTER})

    assert judge(met, stopped) == Case("operator", why="the token has expired")
    assert judge(met, resumed) == Case("out", 0, QUARTER, resumed=True)


def test_a_fault_of_a_post_that_the_outbox_does_not_know_is_not_met() -> None:
    assert judge(Met(AT, "busy", "other"), facts(post(), job())).ending == "unmet"


def test_views_that_could_not_be_read_are_met_by_a_later_reading() -> None:
    met = Met(AT, "expired token", "k", reading=True)
    result = PostResult(
        1, 3, "c", "simulated", "A title", "u", AT, "there", 9, "", None, AT + QUARTER, None
    )

    assert judge(met, facts(post(**POSTED), job(), results={1: result})).ending == "read"
    late = replace(result, read_at=AT - QUARTER)
    assert judge(met, facts(post(**POSTED), job(), results={1: late})).ending == "unmet"


def test_each_fault_is_one_line_that_counts_and_names_what_was_not_met() -> None:
    row = facts(post(**POSTED), job(), out={"k": OUT}, sends={"k": [AT, AT + QUARTER]})

    found = faults_met([Met(AT, "busy", "k"), Met(AT, "busy", "gone")], row)

    assert [(one.what, one.times) for one in found] == [("the platform: busy", 2)]
    assert found[0].met == "1 went out 15 min later, sent again once; 1 NOT MET"
    assert found[0].unmet == ("the post with the key 'gone': the outbox has no such post",)


def test_several_posts_are_told_with_their_shortest_and_longest_time() -> None:
    cases = [Case("out", 1, QUARTER, resumed=True), Case("out", 2, timedelta(hours=3))]

    assert told(cases) == (
        "2 went out 15 min to 3 h 00 min later, sent again 3 times, 1 after an operator resumed it"
    )
