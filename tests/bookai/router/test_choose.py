from random import Random

import pytest

from bookai.router import SIM, WAIT, Outcome, Params, Router

CALM = Params(explore=0.0)
PATIENT = Params(explore=0.0, stale_s=1e9)


def router_of(*names: str, params: Params = CALM, capacity: int = 1) -> Router:
    router = Router(params, Random(1))
    for name in names:
        router.add(name, {"write": 0.9}, capacity=capacity, now=0.0)
    return router


def work(router: Router, name: str, outcome: Outcome, seconds: float, at: float) -> None:
    router.end(router.begin(name, "write", at), outcome, seconds, at)


def test_one_without_the_capability_is_no_candidate() -> None:
    router = router_of("a")

    assert router.choose("edit", 1.0) is None


def test_the_more_reliable_one_is_chosen() -> None:
    router = router_of("a", "b")
    for second in range(4):
        work(router, "a", "quality", 1.0, float(second))
        work(router, "b", "ok", 1.0, float(second))

    assert router.choose("write", 4.0) == "b"


def test_the_quicker_one_is_chosen_when_both_are_reliable() -> None:
    router = router_of("a", "b")
    for second in range(4):
        work(router, "a", "ok", 6.0, float(second))
        work(router, "b", "ok", 2.0, float(second))

    assert router.choose("write", 4.0) == "b"


def test_a_refusal_is_work_well_done() -> None:
    router = router_of("a", "b")
    for second in range(4):
        work(router, "a", "refused", 1.0, float(second))
        work(router, "b", "quality", 1.0, float(second))

    assert router.choose("write", 4.0) == "a"


@pytest.mark.parametrize("outcome", ["busy", "client", "cancelled", "lost"])
def test_what_is_nobodys_fault_teaches_nothing(outcome: Outcome) -> None:
    router = router_of("a")
    before = router.state("a", 5.0)

    for _ in range(5):
        work(router, "a", outcome, 9.0, 1.0)

    assert router.state("a", 5.0) == before


def test_one_who_is_busy_elsewhere_is_left_alone_for_a_moment() -> None:
    router = router_of("a", "b")
    for name in ("a", "b"):
        work(router, name, "ok", 1.0 if name == "a" else 2.0, 0.5)

    work(router, "a", "busy", 0.0, 1.0)

    assert router.choose("write", 1.1) == "b"
    assert router.choose("write", 1.0 + CALM.busy_s) == "a"


def test_a_full_one_is_waited_for_rather_than_handed_more() -> None:
    router = router_of("a")

    ticket = router.begin("a", "write", 1.0)
    full = router.choose("write", 1.0)
    router.end(ticket, "ok", 1.0, 2.0)

    assert full is WAIT
    assert router.choose("write", 2.0) == "a"


def test_a_ticket_is_given_back_once() -> None:
    router = router_of("a")
    ticket = router.begin("a", "write", 1.0)
    router.end(ticket, "ok", 1.0, 2.0)

    with pytest.raises(RuntimeError, match="twice"):
        router.end(ticket, "ok", 1.0, 2.0)


def test_one_who_was_tried_is_not_tried_again() -> None:
    router = router_of("a", "b")
    work(router, "a", "ok", 0.1, 0.0)

    assert router.choose("write", 0.0) == "a"
    assert router.choose("write", 0.0, {"a"}) == "b"
    assert router.choose("write", 0.0, {"a", "b"}) is None


def test_three_crashes_in_a_row_open_the_breaker_and_a_success_closes_it() -> None:
    router = router_of("a", "b")
    work(router, "b", "ok", 100.0, 0.0)
    for _ in range(3):
        work(router, "a", "infra", 0.1, 1.0)

    opened = router.state("a", 1.1).breaker
    meanwhile = router.choose("write", 1.1)
    rested = router.state("a", 3.0).breaker
    work(router, "a", "ok", 0.1, 3.0)

    assert (opened, meanwhile, rested) == ("open", "b", "half_open")
    assert router.state("a", 3.1).breaker == "closed"


def test_only_the_capability_that_fails_is_broken_when_others_work() -> None:
    router = Router(CALM, Random(1))
    router.add("a", {"write": 0.9, "edit": 0.9}, now=0.0)
    router.add("b", {"write": 0.9, "edit": 0.9}, now=0.0)
    for second in range(3):
        work(router, "a", "infra", 0.1, 1.0 + second / 10)
        router.end(router.begin("a", "edit", 1.25), "ok", 0.1, 1.05 + second / 10)

    (_, writing), (editing,) = (
        router.explain("write", 1.3),
        router.explain("edit", 1.3, {"b"})[:1],
    )

    assert (writing.name, editing.name) == ("a", "a")
    assert str(writing.excluded).startswith("breaker open: 3 failures in a row")
    assert editing.excluded is None


def test_when_every_breaker_is_open_somebody_is_asked_all_the_same() -> None:
    router = router_of("a")
    for _ in range(3):
        work(router, "a", "infra", 0.1, 1.0)

    assert router.choose("write", 1.1) == "a"


def test_a_half_open_one_gets_one_try_at_a_time() -> None:
    router = router_of("a", "b", capacity=2)
    work(router, "b", "ok", 100.0, 0.0)
    for _ in range(3):
        work(router, "a", "infra", 0.1, 1.0)

    router.begin("a", "write", 3.0)

    assert router.choose("write", 3.0) == "b"
    assert router.explain("write", 3.0)[-1].excluded == "breaker half open: 1 trying it out"


def test_a_silent_one_is_out_within_three_missed_beats_and_back_with_the_next() -> None:
    router = router_of("a", "b")
    work(router, "a", "ok", 1.0, 0.0)
    work(router, "b", "ok", 50.0, 0.0)
    for second in (5.0, 10.0):
        router.beat("b", second)

    assert router.choose("write", 14.9) == "a"
    assert router.choose("write", 15.0) == "b"
    router.beat("a", 16.0)
    assert router.choose("write", 16.0) == "a"


def test_when_all_are_silent_it_waits_for_one_to_come_back() -> None:
    router = router_of("a")

    assert router.choose("write", 20.0) is WAIT


def test_a_cold_one_is_passed_over_for_a_warm_one() -> None:
    router = router_of("a", "b")
    work(router, "a", "ok", 0.5, 0.0)
    work(router, "b", "ok", 1.0, 0.0)

    router.chill("a", "write", 8.0)
    cold = router.choose("write", 0.0)
    router.chill("a", "write", 0.0)

    assert cold == "b"
    assert router.choose("write", 0.0) == "a"


@pytest.mark.parametrize("crowd", [2, 100])
def test_a_favoured_one_is_chosen_when_the_others_are_not_much_better(crowd: int) -> None:
    router = router_of(*(f"a{n}" for n in range(crowd)))
    work(router, "a0", "ok", 3.0, 0.0)
    for n in range(1, crowd):
        work(router, f"a{n}", "ok", 1.0, 0.0)

    assert router.choose("write", 0.0) != "a0"
    assert router.choose("write", 0.0, favour={"a0": 2.5}) == "a0"
    assert router.choose("write", 0.0, favour={"a0": 0.5}) != "a0"


def test_a_newcomer_gets_its_try_when_the_known_one_keeps_failing() -> None:
    router = router_of("a", "b")
    for second in range(4):
        work(router, "a", "quality", 1.0, float(second))

    assert router.choose("write", 4.0) == "b"


def test_a_sudden_fall_of_quality_is_met_at_once_after_a_long_good_past() -> None:
    router = router_of("a", "b")
    for step in range(100):
        work(router, "a", "ok", 1.0, step / 10)

    for step in range(5):
        work(router, "a", "quality", 1.0, 10 + step / 10)

    assert router.state("a", 10.5).success["write"] < 0.6


def test_old_failures_are_forgotten() -> None:
    router = router_of("a")
    for _ in range(4):
        work(router, "a", "quality", 1.0, 0.0)

    (score,) = router.explain("write", 20 * CALM.skill_half_life_s)

    assert score.evidence < 0.01
    assert score.success > 0.84


@pytest.mark.parametrize("crowd", [2, 500])
def test_forgetting_reaches_choices_though_nothing_happens_in_the_meantime(crowd: int) -> None:
    router = router_of(*(f"a{n}" for n in range(crowd)), params=PATIENT)
    for n in range(crowd):
        work(router, f"a{n}", "ok", 1.0 if n == 0 else 1.5, 0.0)
    for _ in range(4):
        work(router, "a0", "quality", 1.0, 0.0)
    before = router.choose("write", 0.0)

    later = 20 * CALM.skill_half_life_s
    for step in range(4):  # in slices, so that no choice pays for all
        router.choose("write", later + step)

    assert before != "a0"
    assert router.choose("write", later + 4) == "a0"


def test_one_that_leaves_is_asked_no_more_and_is_known_when_it_comes_back() -> None:
    router = router_of("a", "b")
    for second in range(4):
        work(router, "a", "quality", 1.0, float(second))
    before = router.state("a", 4.0).success

    ticket = router.begin("a", "write", 4.0)
    router.remove("a")
    router.end(ticket, "cancelled", 0.0, 4.0)
    gone = [router.choose("write", 4.0), router.names]
    router.add("a", {"write": 0.9}, now=4.0)

    assert gone == ["b", ("b",)]
    assert router.state("a", 4.0).success == before


def test_a_member_may_learn_and_lose_a_capability() -> None:
    router = router_of("a", "b")

    router.add("a", {"edit": 0.9}, now=1.0)

    assert router.capabilities("a") == ("edit",)
    assert router.choose("edit", 1.0) == "a"
    assert router.choose("write", 1.0, {"b"}) is None


@pytest.mark.parametrize("crowd", [5, 64, 65, 500])
def test_few_and_many_candidates_are_chosen_by_the_same_score(crowd: int) -> None:
    router = router_of(*(f"a{n}" for n in range(crowd)), params=SIM)
    world = Random(3)
    for step in range(4 * crowd):
        name = f"a{world.randrange(crowd)}"
        work(router, name, world.choice(["ok", "quality"]), world.uniform(0.2, 2), step / 1000)

    chosen = router.choose("write", 4 * crowd / 1000)

    assert router.explain("write", 4 * crowd / 1000)[0].name == chosen


def test_rows_stay_with_their_members_while_others_come_and_go() -> None:
    router = router_of(*(f"a{n}" for n in range(80)))
    for n in range(80):
        work(router, f"a{n}", "ok", 1.0 + n, 0.0)
    for n in range(40):
        router.remove(f"a{n}")

    assert router.choose("write", 0.0) == "a40"
    assert router.choose("write", 0.0, {"a40"}) == "a41"


def test_draws_look_at_some_and_never_take_one_that_may_not_be_asked() -> None:
    router = router_of(*(f"a{n}" for n in range(20)), params=Params(draws=2))
    busy = [router.begin(f"a{n}", "write", 0.0) for n in range(19)]

    assert {router.choose("write", 0.0) for _ in range(50)} == {"a19"}
    assert len(busy) == 19


def test_the_explanation_holds_no_floats_because_the_audit_log_takes_none() -> None:
    router = router_of("a")
    router.choose("write", 1.0)

    (score,) = router.explain("write", 1.0)

    assert score.as_json() == {
        "name": "a",
        "score_s": "1.678",
        "drawn_s": "1.678",
        "success": "0.855",
        "success_sd": "0.157",
        "latency_s": "1.000",
        "evidence": "0.00",
        "load": "0/1",
        "cold_s": "0.000",
        "cost_s": "0.000",
        "excluded": None,
    }


def test_every_exclusion_is_told_in_words() -> None:
    router = router_of("tried", "full", "paused", "silent", "broken")
    router.begin("full", "write", 14.0)
    router.pause("paused", 14.0, 3.0)
    for name in ("tried", "full", "paused", "broken"):
        router.beat(name, 14.0)
    for _ in range(3):
        work(router, "broken", "infra", 0.1, 14.9)

    told = {score.name: score.excluded for score in router.explain("write", 15.0, {"tried"})}

    broken = str(told.pop("broken"))
    assert broken.startswith("breaker open: 3 failures in a row, ")
    assert told == {
        "tried": "tried already",
        "full": "full: 1 of 1 slots taken",
        "paused": "paused for 2.0 s more",
        "silent": "silent for 15 s",
    }


@pytest.mark.parametrize("crowd", [3, 20])
def test_a_favoured_one_that_is_full_leaves_the_choice_to_the_others(crowd: int) -> None:
    router = router_of(*(f"a{n}" for n in range(crowd)))
    router.begin("a0", "write", 0.0)

    assert router.choose("write", 0.0, favour={"a0": 2.5}) not in (WAIT, None, "a0")


def test_one_who_refuses_at_once_is_not_the_quickest_worker() -> None:
    router = router_of("refuses", "writes")
    for second in range(0, 400, 40):
        work(router, "refuses", "refused", 0.01, float(second))
        work(router, "writes", "ok", 30.0, float(second))

    refuses, writes = (
        next(s for s in router.explain("write", 400.0) if s.name == name)
        for name in ("refuses", "writes")
    )

    assert refuses.latency_s > 0.5 * writes.latency_s


def test_one_who_comes_back_is_looked_at_again_when_its_pause_is_over() -> None:
    router = router_of("a", params=PATIENT)
    router.pause("a", 0.0, 5.0)
    router.remove("a")
    router.choose("write", 100.0)

    router.add("a", {"write": 0.9}, now=200.0)
    router.pause("a", 200.0, 5.0)

    change = router.next_change(200.0)
    assert change is not None
    assert 200.0 < change <= 205.0


def test_a_time_out_never_makes_a_slow_one_look_quick() -> None:
    router = router_of("a", params=PATIENT)
    work(router, "a", "ok", 60.0, 60.0)

    work(router, "a", "timeout", 0.2, 7200.0)

    assert router.explain("write", 7200.0)[0].latency_s >= 60.0
