"""The router: pure, so every claim is a plain call."""

from datetime import UTC, datetime, timedelta

from bookai.router import Attempt, Candidate, rank

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def candidate(name: str, *capabilities: str, in_flight: int = 0) -> Candidate:
    return Candidate(name, frozenset(capabilities or ("write",)), in_flight=in_flight)


def attempts(
    outcome: str, count: int, *, seconds: float = 1.0, age_s: float = 600
) -> list[Attempt]:
    ended = NOW - timedelta(seconds=age_s)
    return [Attempt(ended, outcome, seconds) for _ in range(count)]  # type: ignore[arg-type]


def names(ranked: object) -> list[str]:
    return [choice.name for choice in ranked]  # type: ignore[attr-defined]


def test_one_without_the_capability_is_no_candidate() -> None:
    ranked = rank([candidate("a", "edit"), candidate("b", "write")], "write", {}, NOW)

    assert names(ranked) == ["b"]


def test_the_more_reliable_one_comes_first() -> None:
    past = {"a": attempts("failed", 4), "b": attempts("ok", 4)}

    assert names(rank([candidate("a"), candidate("b")], "write", past, NOW)) == ["b", "a"]


def test_the_quicker_one_comes_first_when_both_are_reliable() -> None:
    past = {"a": attempts("ok", 5, seconds=60), "b": attempts("ok", 5, seconds=2)}

    assert names(rank([candidate("a"), candidate("b")], "write", past, NOW)) == ["b", "a"]


def test_a_refusal_is_work_well_done() -> None:
    past = {"a": attempts("refused", 5), "b": attempts("failed", 5)}

    assert names(rank([candidate("a"), candidate("b")], "write", past, NOW)) == ["a", "b"]


def test_old_failures_are_forgotten() -> None:
    old = {"a": attempts("failed", 4, age_s=20 * 24 * 3600)}

    (choice,) = rank([candidate("a")], "write", old, NOW)

    assert choice.success > 0.79
    assert choice.evidence < 0.01


def test_a_busy_one_waits_behind_an_idle_equal() -> None:
    ranked = rank([candidate("a", in_flight=3), candidate("b")], "write", {}, NOW)

    assert names(ranked) == ["b", "a"]


def test_a_newcomer_is_tried_before_one_that_keeps_failing() -> None:
    past = {"a": attempts("failed", 3, age_s=600)}

    assert names(rank([candidate("a"), candidate("new")], "write", past, NOW)) == ["new", "a"]


def test_three_fresh_failures_open_the_breaker_and_a_minute_closes_it() -> None:
    fresh = {"a": attempts("failed", 3, age_s=5)}
    rested = {"a": attempts("failed", 3, age_s=70)}

    (open_,) = rank([candidate("a")], "write", fresh, NOW)
    (closed,) = rank([candidate("a")], "write", rested, NOW)

    assert open_.excluded == "breaker open: 3 failures in a row, the last 5 s ago"
    assert closed.excluded is None


def test_one_behind_an_open_breaker_stands_last_and_is_still_there() -> None:
    past = {"a": attempts("ok", 9) + attempts("failed", 3, age_s=5), "b": attempts("failed", 9)}

    assert names(rank([candidate("a"), candidate("b")], "write", past, NOW)) == ["b", "a"]


def test_what_a_crash_or_an_operator_ended_says_nothing() -> None:
    past = {"a": attempts("lost", 5) + attempts("cancelled", 5)}

    (with_crashes,) = rank([candidate("a")], "write", past, NOW)
    (without,) = rank([candidate("a")], "write", {}, NOW)

    assert with_crashes == without


def test_the_explanation_holds_no_floats_because_the_audit_log_takes_none() -> None:
    (choice,) = rank([candidate("a")], "write", {}, NOW)

    assert choice.as_json() == {
        "name": "a",
        "score_s": "1.625",
        "success": "0.800",
        "latency_s": "1.000",
        "evidence": "0.00",
        "load": "0.00",
        "excluded": None,
    }
