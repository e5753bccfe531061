"""Who is let in: tokens, sessions, rights, hosts, and forms that are ours."""

import logging
from datetime import timedelta

import httpx
import pytest

from bookai.db import tokens
from bookai.settings import Settings
from tests.studio.web.conftest import House, form_token, parsed, served

POSTED = [("/approvals", {}), ("/approvals/1", {"decision": "approve"}), ("/sign-out", {})]


async def test_a_token_opens_a_session_and_is_in_no_cookie(house: House) -> None:
    token = await house.token()
    async with house.browser() as browser:
        said = await browser.post("/sign-in", data={"token": token, "next": "approvals/7"})

        [cookie] = said.headers.get_list("set-cookie")
        assert (said.status_code, said.headers["location"]) == (303, "approvals/7")
        assert {"httponly", "samesite=strict", "path=/"} <= set(cookie.lower().split("; "))
        assert token not in cookie
        assert "secure" not in cookie.lower()
        assert (await browser.get("/approvals")).status_code == 200
    assert [row.split()[0] for row in await house.audited("web.signed_in")] == ["operator:anna"]


async def test_behind_https_the_cookie_is_secure_and_this_hosts_alone(settings: Settings) -> None:
    behind = settings.model_copy(update={"public_url": "https://studio.example"})
    async with served(behind) as house, house.browser(host="studio.example") as browser:
        said = await browser.post("/sign-in", data={"token": await house.token()})

    [cookie] = said.headers.get_list("set-cookie")
    assert cookie.startswith("__Host-bookai=")
    assert "secure" in cookie.lower().split("; ")


async def test_without_a_session_there_is_only_the_door(house: House) -> None:
    number = await house.ask()
    async with house.browser() as browser:
        for path in ("/approvals", f"/approvals/{number}", f"/approvals/{number}/video"):
            answer = await browser.get(path)

            assert answer.status_code == 401
            assert "paste your token" in answer.text
            assert "Owls" not in answer.text


async def test_a_wrong_token_opens_nothing(house: House) -> None:
    async with house.browser() as browser:
        for token in ("", "guessed", "bka_" + "x" * 43, "bka_ü", "bka_" + "x" * 9999):
            answer = await browser.post("/sign-in", data={"token": token})

            assert answer.status_code == 403
            assert "unknown, revoked or expired" in answer.text
            assert "set-cookie" not in answer.headers


async def test_a_token_for_another_studio_opens_no_page(house: House) -> None:
    """Point 17: the audience of a token counts at every door."""
    pool, away = house.office.database.pool, "https://another.example/mcp"
    token = await tokens.create(
        pool, "anna", ("read", "approve"), timedelta(days=1), "operator:test", resource=away
    )
    async with house.browser() as browser:
        answer = await browser.post("/sign-in", data={"token": token})

    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


async def test_guessing_is_slowed_down_and_told_so(house: House) -> None:
    async with house.browser() as browser:
        codes = [
            (await browser.post("/sign-in", data={"token": f"bka_{n:043}"})).status_code
            for n in range(21)
        ]
        last = await browser.post("/sign-in", data={"token": await house.token()})

    assert codes == [403] * 20 + [429]
    assert last.status_code == 429
    assert 1 <= int(last.headers["retry-after"]) <= 6


async def test_a_revoked_token_ends_the_session_with_the_next_request(house: House) -> None:
    number = await house.ask()
    async with house.signed_in("anna") as browser:
        page = (await browser.get(f"/approvals/{number}")).text
        await tokens.revoke(house.office.database.pool, "anna", "operator:test")

        seen = await browser.get("/approvals")
        sent = await browser.post(
            f"/approvals/{number}", data={"form_token": form_token(page), "decision": "approve"}
        )

    assert (seen.status_code, sent.status_code) == (401, 401)
    assert await house.state(number) == "pending"


@pytest.mark.parametrize(
    ("scopes", "says"),
    [(("agent", "read"), "for people"), (("approve",), "may not read")],
)
async def test_agents_and_those_who_may_not_read_stay_outside(
    house: House, scopes: tuple[str, ...], says: str
) -> None:
    async with house.browser() as browser:
        answer = await browser.post("/sign-in", data={"token": await house.token("x", *scopes)})

    assert answer.status_code == 403
    assert says in answer.text
    assert "bookai token create NAME" in answer.text


async def test_who_may_only_read_looks_and_does_not_decide(house: House) -> None:
    number = await house.ask()
    async with house.signed_in("reader", "read") as browser:
        page = (await browser.get(f"/approvals/{number}")).text
        said = await browser.post(
            f"/approvals/{number}", data={"form_token": form_token(page), "decision": "approve"}
        )

    assert 'value="approve"' not in page
    assert said.status_code == 403
    assert await house.state(number) == "pending"
    [row] = await house.audited("web.refused")
    assert row.startswith("token:reader")


async def test_signing_out_ends_the_session_everywhere(house: House) -> None:
    async with house.signed_in() as browser, house.browser() as other:
        other.cookies = httpx.Cookies(browser.cookies)
        page = (await browser.get("/approvals")).text
        assert (await other.get("/approvals")).status_code == 200

        await browser.post("/sign-out", data={"form_token": form_token(page)})

        assert (await other.get("/approvals")).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"origin": "https://evil.example"},
        {"sec-fetch-site": "same-origin", "origin": "https://evil.example"},
    ],
)
async def test_a_form_of_another_site_does_nothing(house: House, headers: dict[str, str]) -> None:
    number = await house.ask()
    async with house.signed_in() as browser:
        token = form_token((await browser.get("/approvals")).text)
        del browser.headers["sec-fetch-site"]
        for path, fields in POSTED:
            said = await browser.post(path, data={"form_token": token} | fields, headers=headers)

            assert said.status_code == 403
            assert "nothing was done" in said.text
            assert await house.state(number) == "pending"
        assert (await browser.get("/approvals")).status_code == 200


async def test_a_form_without_the_sessions_own_token_does_nothing(house: House) -> None:
    number = await house.ask()
    async with house.signed_in("anna") as anna, house.signed_in("eve") as eve:
        of_eve = form_token((await eve.get("/approvals")).text)
        for path, fields in POSTED:
            for wrong in ({"other": "x"}, {"form_token": ""}, {"form_token": of_eve}):
                assert (await anna.post(path, data=wrong | fields)).status_code == 403

    assert await house.state(number) == "pending"


async def test_a_strange_host_is_turned_away_with_a_page(house: House) -> None:
    async with house.browser(host="evil.example") as browser:
        answer = await browser.get("/approvals")

    assert answer.status_code == 421
    assert "evil.example" in answer.text
    parsed(answer.text)


async def test_what_is_no_form_or_too_long_is_refused(house: House) -> None:
    async with house.browser() as browser:
        kind = await browser.post("/sign-in", json={"token": "x"})
        long = await browser.post("/sign-in", data={"token": "x" * 600_000})
        many = await browser.post("/sign-in", data={f"f{n}": "x" for n in range(500)})

    assert (kind.status_code, long.status_code, many.status_code) == (415, 413, 400)


async def test_a_guest_of_another_site_is_led_back_once_with_its_cookie(house: House) -> None:
    async with house.browser() as browser:
        came = await browser.get("/approvals/3", headers={"sec-fetch-site": "cross-site"})
        back = await browser.get("/approvals/3?again=1", headers={"sec-fetch-site": "cross-site"})

    assert 'http-equiv="refresh"' in came.text
    assert 'http-equiv="refresh"' not in back.text
    parsed(came.text)


async def test_signing_in_leads_to_pages_of_ours_only(house: House) -> None:
    token = await house.token()
    async with house.browser() as browser:
        for wanted in ("https://evil.example", "//evil.example", "approvals/../x", "approvals/1?x"):
            said = await browser.post("/sign-in", data={"token": token, "next": wanted})

            assert said.headers["location"] == "approvals"


async def test_no_token_is_ever_logged(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    token = await house.token()
    async with house.browser() as browser:
        await browser.post("/sign-in", data={"token": token})
        await browser.get("/approvals")
        await browser.get(f"/a/{token}")

    own = [record.getMessage() for record in caplog.records if record.name.startswith("studio")]
    assert [line for line in own if token in line] == []


async def test_mcp_stays_where_it_was(house: House) -> None:
    async with house.browser() as browser:
        answer = await browser.post("/mcp", json={})

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
