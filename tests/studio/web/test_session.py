from datetime import UTC, datetime, timedelta

from studio.web.session import LIFETIME, Attempts, Sessions

START = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = START
        self.seconds = 0.0

    def __call__(self) -> datetime:
        return self.now

    def tick(self) -> float:
        return self.seconds


def test_a_session_ends_after_twelve_hours_or_with_its_token() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    long, _ = sessions.open(b"long", START + timedelta(days=30))
    short, _ = sessions.open(b"short", START + timedelta(hours=1))

    clock.now = START + timedelta(hours=1)
    assert sessions.find(short) is None
    assert sessions.find(long) is not None
    clock.now = START + LIFETIME
    assert sessions.find(long) is None


def test_a_closed_session_is_over_for_everyone_who_has_its_cookie() -> None:
    sessions = Sessions(Clock())
    cookie, _ = sessions.open(b"a", START + timedelta(days=1))

    sessions.close(cookie)

    assert sessions.find(cookie) is None
    assert sessions.find(None) is None


def test_sessions_have_a_limit_and_the_oldest_makes_room() -> None:
    sessions = Sessions(Clock(), most=2)
    cookies = [sessions.open(b"a", START + timedelta(days=1))[0] for _ in range(3)]

    assert [sessions.find(cookie) is not None for cookie in cookies] == [False, True, True]


def test_no_two_sessions_share_a_cookie_or_a_form_token() -> None:
    sessions = Sessions(Clock())
    opened = [sessions.open(b"same", START + timedelta(days=1)) for _ in range(50)]

    assert len({cookie for cookie, _ in opened}) == 50
    assert len({session.form_token for _, session in opened}) == 50


def test_twenty_wrong_guesses_and_then_one_in_six_seconds() -> None:
    clock = Clock()
    attempts = Attempts(clock.tick)
    first = [attempts.take("mallory") for _ in range(20)]
    assert first == [0.0] * 20

    assert attempts.take("mallory") == 6.0
    clock.seconds = 6.0
    assert attempts.take("mallory") == 0.0
    assert attempts.take("mallory") == 6.0


def test_right_ones_do_not_count() -> None:
    attempts = Attempts(Clock().tick)
    for _ in range(200):
        assert attempts.take("anna") == 0.0
        attempts.give_back("anna")


def test_a_flood_of_addresses_does_not_make_the_count_grow() -> None:
    attempts = Attempts(Clock().tick)
    before = len(attempts._slots)
    for number in range(5000):
        attempts.take(f"2001:db8::{number:x}")

    assert len(attempts._slots) == before
