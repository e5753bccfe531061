from typing import Any

import pytest
from starlette.requests import Request

from studio.web.checks import Origins
from studio.web.lent import Halt

PUBLIC = Origins("https://studio.example/videos")
LOCAL = Origins(None)


def request(**headers: str) -> Request:
    raw = [(n.replace("_", "-").encode(), v.encode()) for n, v in headers.items()]
    scope: dict[str, Any] = {"type": "http", "method": "POST", "path": "/", "headers": raw}
    return Request(scope | {"client": ("127.0.0.1", 1)})


@pytest.mark.parametrize(
    ("host", "locally", "publicly"),
    [
        ("127.0.0.1:8931", True, True),
        ("localhost", True, True),
        ("[::1]:8931", True, True),
        ("studio.example", False, True),
        ("STUDIO.example:443", False, True),
        ("evil.example", False, False),
        ("127.0.0.1.evil.example", False, False),
        ("studio.example.evil.example", False, False),
        ("127.0.0.1@evil.example", False, False),
        ("", False, False),
        ("[::1", False, False),
    ],
)
def test_only_our_own_names_are_answered_for(host: str, locally: bool, publicly: bool) -> None:
    assert (LOCAL.knows_host(host), PUBLIC.knows_host(host)) == (locally, publicly)


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "same-origin"},
        {"sec_fetch_site": "same-origin", "origin": "null"},
        {"origin": "http://127.0.0.1:8931"},
        {"origin": "https://studio.example"},
        {"sec_fetch_site": "same-origin", "origin": "https://studio.example"},
    ],
)
def test_a_form_of_ours_passes(headers: dict[str, str]) -> None:
    PUBLIC.check_same_site(request(host="127.0.0.1:8931", **headers), has_form_token=False)


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site", "origin": "https://studio.example"},
        {"sec_fetch_site": "none"},
        {"sec_fetch_site": "same-origin", "origin": "https://evil.example"},
        {"origin": "https://evil.example"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "http://studio.example"},
        {"origin": "https://studio.example.evil.example"},
        {},
        {"origin": "null"},
    ],
)
def test_a_form_of_another_page_does_not(headers: dict[str, str]) -> None:
    with pytest.raises(Halt) as caught:
        PUBLIC.check_same_site(request(host="127.0.0.1:8931", **headers), has_form_token=False)

    assert caught.value.status == 403


@pytest.mark.parametrize("headers", [{}, {"origin": "null"}])
def test_an_old_browser_passes_by_the_form_token_alone(headers: dict[str, str]) -> None:
    PUBLIC.check_same_site(request(host="127.0.0.1:8931", **headers), has_form_token=True)


def test_a_form_token_does_not_make_up_for_a_strange_origin() -> None:
    with pytest.raises(Halt):
        PUBLIC.check_same_site(request(origin="https://evil.example"), has_form_token=True)


def test_behind_a_proxy_guesses_count_for_the_address_it_saw() -> None:
    forwarded = request(x_forwarded_for="6.6.6.6, 203.0.113.7")

    assert PUBLIC.caller(forwarded) == "203.0.113.7"
    assert LOCAL.caller(forwarded) == "127.0.0.1"
    assert PUBLIC.caller(request()) == "127.0.0.1"
