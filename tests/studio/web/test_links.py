"""One-time links: looking never spends them, one answer does, and they open one post alone."""

from datetime import timedelta

import pytest

from tests.studio.web.conftest import VIDEO, House, answer, form_token, parsed


async def a_link(house: House, number: int) -> str:
    token = await house.office.desk.create_link(
        number, "operator:carol", timedelta(hours=1), "operator:anna"
    )
    return f"/a/{token}"


async def test_looking_never_spends_a_link(house: House) -> None:
    number = await house.ask()
    link = await a_link(house, number)
    async with house.browser() as browser:
        for _ in range(5):
            assert (await browser.head(link)).status_code == 200
            page = await browser.get(link)
            assert page.status_code == 200
        parsed(page.text)
        assert "Owls see behind themselves" in page.text
        assert await house.state(number) == "pending"
        said = await answer(browser, link, "approve", reason="from the train")

    assert said.status_code == 200
    assert "Recorded" in said.text
    assert "approvals" not in said.text
    parsed(said.text)
    assert await house.state(number) == "approved"
    [row] = await house.audited("approval.decided")
    assert row.startswith("operator:carol")


async def test_a_link_works_once(house: House) -> None:
    number = await house.ask()
    link = await a_link(house, number)
    async with house.browser() as browser:
        token = form_token((await browser.get(link)).text)
        first = await browser.post(
            link, data={"form_token": token, "decision": "reject", "reason": "no"}
        )
        again = await browser.post(link, data={"form_token": token, "decision": "approve"})
        look = await browser.get(link)
        film = await browser.get(f"{link}/video")

    assert first.status_code == 200
    assert again.status_code == 410
    assert "was rejected by operator:carol" in again.text
    assert (look.status_code, film.status_code) == (410, 410)
    parsed(look.text)
    assert await house.state(number) == "rejected"


async def test_a_link_shows_its_own_film_and_opens_nothing_else(house: House) -> None:
    number, other = await house.ask(), await house.ask(title="Another")
    link = await a_link(house, number)
    async with house.browser() as browser:
        film = await browser.get(f"{link}/video", headers={"range": "bytes=0-9"})
        page = await browser.get(link)
        elsewhere = await browser.get(f"/approvals/{other}")
        listed = await browser.get("/approvals")

    assert (film.status_code, film.content) == (206, VIDEO[:10])
    assert f'src="{link.removeprefix("/a/")}/video"' in page.text
    assert (elsewhere.status_code, listed.status_code) == (401, 401)
    assert "set-cookie" not in page.headers


async def test_what_a_link_shows_is_kept_nowhere(house: House) -> None:
    link = await a_link(house, await house.ask())
    async with house.browser() as browser:
        answers = [await browser.get(path) for path in (link, f"{link}/video", f"{link}/thumbnail")]

    for one in answers:
        assert one.headers["referrer-policy"] == "no-referrer"
        assert one.headers["cache-control"] == "no-store"
        assert "noindex" in one.headers["x-robots-tag"]


async def test_a_forged_link_is_a_page_that_says_what_to_do(house: House) -> None:
    async with house.browser() as browser:
        for token in ("x", "a.b.c", "%00", "ü", "x" * 2000):
            gone = await browser.get(f"/a/{token}")

            assert gone.status_code == 410
            assert "Ask for a new link" in gone.text
            parsed(gone.text)


async def test_guessing_links_is_slowed_down(house: House) -> None:
    async with house.browser() as browser:
        codes = [(await browser.get(f"/a/guess-{n}")).status_code for n in range(22)]

    assert codes == [410] * 20 + [429] * 2


async def test_who_was_faster_is_told_to_who_has_the_link(house: House) -> None:
    number = await house.ask()
    link = await a_link(house, number)
    async with house.browser() as carol, house.signed_in("anna") as anna:
        token = form_token((await carol.get(link)).text)
        await answer(anna, f"/approvals/{number}", "reject", reason="wrong owl")
        late = await carol.post(link, data={"form_token": token, "decision": "approve"})

    assert late.status_code in (409, 410)
    assert "operator:anna" in late.text
    assert "wrong owl" in late.text
    assert await house.state(number) == "rejected"


@pytest.mark.parametrize("headers", [{"sec-fetch-site": "cross-site"}, {"origin": "https://e.vil"}])
async def test_another_site_cannot_spend_a_link(house: House, headers: dict[str, str]) -> None:
    number = await house.ask()
    link = await a_link(house, number)
    async with house.browser() as browser:
        token = form_token((await browser.get(link)).text)
        sent = await browser.post(
            link, data={"form_token": token, "decision": "approve"}, headers=headers
        )
        without = await browser.post(link, data={"decision": "approve"})

    assert (sent.status_code, without.status_code) == (403, 403)
    assert await house.state(number) == "pending"


async def test_a_page_without_referrer_sends_a_null_origin_and_still_decides(house: House) -> None:
    number = await house.ask()
    link = await a_link(house, number)
    async with house.browser(origin="null") as browser:
        await answer(browser, link, "approve")

    assert await house.state(number) == "approved"
