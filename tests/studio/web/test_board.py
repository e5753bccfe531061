"""Looking and deciding: the list, the card, the bundle, and the second of two deciders."""

import asyncio
from datetime import timedelta

from bookai.db import approvals, jobs
from tests.studio.web.conftest import House, answer, form_token, parsed


async def test_the_list_shows_what_waits_and_until_when(house: House) -> None:
    number = await house.ask(ttl=timedelta(hours=3))
    async with house.signed_in() as browser:
        page = (await browser.get("/approvals")).text

    parsed(page)
    assert "Owls see behind themselves" in page
    assert f'href="approvals/{number}"' in page
    assert f'src="approvals/{number}/thumbnail"' in page
    assert "2 h 59 min left" in page
    assert "AI-made" in page


async def test_the_card_shows_everything_that_an_answer_is_about(house: House) -> None:
    number = await house.ask(
        offer_name="Field guide",
        offer_url="https://shop.example/guide?tag=1",
        disclosure="Ad: we may earn a commission.",
    )
    async with house.signed_in() as browser:
        page = (await browser.get(f"/approvals/{number}")).text

    parsed(page)
    for shown in (
        "Owls see behind themselves",
        "<mark>An owl turns its head by 270 degrees.</mark> It has 14 neck bones.</blockquote>",
        "Word for word in the source",
        "Claims nothing.",
        "#Owls #Birds",
        "Field guide",
        "https://shop.example/guide?tag=1",
        "Ad: we may earn a commission.",
        "https://example.org/owls",
        "-19 LUFS, wanted -14",
        "no Ollama answers",
        "bob",
        f"{number}/video#t=3.5",
        "1080x1920",
    ):
        assert shown in page


async def test_a_yes_is_recorded_with_its_name_and_wakes_the_job(house: House) -> None:
    number = await house.ask()
    async with house.signed_in() as browser:
        said = await answer(browser, f"/approvals/{number}", "approve", reason="good hook")
        page = (await browser.get(f"/approvals/{number}")).text

    assert (said.status_code, said.headers["location"]) == (303, str(number))
    approval = await approvals.get(house.office.database.pool, number)
    assert (approval.state, approval.decided_by) == ("approved", "operator:anna")
    assert "Approved by" in page
    assert "good hook" in page
    assert (await jobs.get(house.office.database.pool, approval.job_id)).status == "queued"
    [row] = await house.audited("approval.decided")
    assert '"web"' in row


async def test_a_no_needs_a_reason(house: House) -> None:
    number = await house.ask()
    async with house.signed_in() as browser:
        without = await answer(browser, f"/approvals/{number}", "reject", reason="  ")
        still = await house.state(number)
        with_one = await answer(browser, f"/approvals/{number}", "reject", reason="old number")

    assert (without.status_code, still) == (409, "pending")
    assert "say why you reject it" in without.text
    parsed(without.text)
    assert with_one.status_code == 303
    assert await house.state(number) == "rejected"


async def test_the_second_of_two_is_told_who_was_first_when_and_why(house: House) -> None:
    number = await house.ask()
    path = f"/approvals/{number}"
    async with house.signed_in("anna") as anna, house.signed_in("ben") as ben:
        both = [form_token((await one.get(path)).text) for one in (anna, ben)]
        first = await anna.post(
            path, data={"form_token": both[0], "decision": "reject", "reason": "wrong owl"}
        )
        second = await ben.post(path, data={"form_token": both[1], "decision": "approve"})

    assert (first.status_code, second.status_code) == (303, 409)
    for told in ("operator:anna", "rejected", "wrong owl", "UTC"):
        assert told in second.text
    assert await house.state(number) == "rejected"
    parsed(second.text)


async def test_of_many_at_once_one_is_first(house: House) -> None:
    number = await house.ask()
    path = f"/approvals/{number}"
    async with house.signed_in("anna") as anna, house.signed_in("ben") as ben:
        said = await asyncio.gather(
            *(answer(one, path, "approve") for one in (anna, ben) for _ in range(3))
        )

    assert sorted({one.status_code for one in said}) in ([303, 409], [303])
    assert len(await house.audited("approval.decided")) == 1


async def test_changed_words_are_approved_as_changed_and_the_change_is_shown(house: House) -> None:
    number = await house.ask()
    async with house.signed_in() as browser:
        said = await answer(
            browser,
            f"/approvals/{number}",
            "edit",
            title="Owls look behind",
            caption="An owl turns its head by 270 degrees.\r\n\r\n"
            "Source: Example: https://example.org/owls",
            hashtags="#Owls",
        )
        page = (await browser.get(f"/approvals/{said.headers['location']}")).text

    changed = await approvals.get(house.office.database.pool, int(said.headers["location"]))
    assert (changed.state, changed.post.title) == ("approved", "Owls look behind")
    assert {edit.field for edit in changed.edits} == {"title", "hashtags"}
    assert "What was changed" in page
    parsed(page)


async def test_an_edit_that_is_refused_keeps_what_was_typed(house: House) -> None:
    number = await house.ask(
        offer_name="Guide", offer_url="https://shop.example/", disclosure="Ad: we may earn."
    )
    async with house.signed_in() as browser:
        said = await answer(
            browser, f"/approvals/{number}", "edit", title="Kept title", caption="No source here."
        )

    assert said.status_code == 409
    assert 'value="Kept title"' in said.text
    assert "No source here." in said.text
    assert await house.state(number) == "pending"
    parsed(said.text)


async def test_where_two_must_say_yes_the_first_is_not_enough(house: House) -> None:
    number = await house.ask(needed=2)
    path = f"/approvals/{number}"
    async with house.signed_in("anna") as anna, house.signed_in("ben") as ben:
        await answer(anna, path, "approve", reason="fine")
        between = (await anna.get(path)).text
        listed = (await ben.get("/approvals")).text
        assert await house.state(number) == "pending"
        await answer(ben, path, "approve")

    assert await house.state(number) == "approved"
    assert "1 of 2 said yes" in between
    assert "You have answered already" in between
    assert "1 of 2 said yes" in listed
    assert "UTC</time>, in a browser<br>" in between
    parsed(between)
    parsed(listed)


async def test_a_bundle_decides_what_was_ticked_and_leaves_the_rest(house: House) -> None:
    numbers = [await house.ask(title=f"Owls {n}") for n in range(4)]
    async with house.signed_in() as browser:
        token = form_token((await browser.get("/approvals")).text)
        said = await browser.post(
            "/approvals",
            data={
                "form_token": token,
                f"decide-{numbers[0]}": "approve",
                f"decide-{numbers[1]}": "reject",
                f"reason-{numbers[1]}": "old number",
                f"decide-{numbers[2]}": "approve",
                f"decide-{numbers[3]}": "",
                "reason": "seen on Monday",
            },
        )

    assert said.status_code == 200
    assert "What became of them" in said.text
    parsed(said.text)
    states = [await house.state(number) for number in numbers]
    assert states == ["approved", "rejected", "approved", "pending"]


async def test_a_bundle_without_a_choice_or_a_reason_does_nothing(house: House) -> None:
    numbers = [await house.ask(title=f"Owls {n}") for n in range(2)]
    async with house.signed_in() as browser:
        token = form_token((await browser.get("/approvals")).text)
        nothing = await browser.post("/approvals", data={"form_token": token})
        unsaid = await browser.post(
            "/approvals",
            data={
                "form_token": token,
                f"decide-{numbers[0]}": "approve",
                f"decide-{numbers[1]}": "reject",
            },
        )

    assert (nothing.status_code, unsaid.status_code) == (422, 422)
    assert f"say why you reject {numbers[1]}" in unsaid.text
    # What was ticked stays ticked.
    assert unsaid.text.count(" checked>") == 2
    parsed(unsaid.text)
    assert [await house.state(number) for number in numbers] == ["pending", "pending"]


async def test_a_bundle_tells_of_each_row_that_somebody_was_faster_with(house: House) -> None:
    numbers = [await house.ask(title=f"Owls {n}") for n in range(2)]
    async with house.signed_in("anna") as anna, house.signed_in("ben") as ben:
        token = form_token((await ben.get("/approvals")).text)
        await answer(anna, f"/approvals/{numbers[0]}", "reject", reason="mine")
        said = await ben.post(
            "/approvals",
            data={"form_token": token} | {f"decide-{number}": "approve" for number in numbers},
        )

    assert said.status_code == 200
    assert "operator:anna" in said.text
    states = [await house.state(number) for number in numbers]
    assert states == ["rejected", "approved"]


async def test_nobody_approves_a_film_that_is_not_the_one_asked_about(house: House) -> None:
    number = await house.ask()
    approval = await approvals.get(house.office.database.pool, number)
    path = house.settings.work_dir / str(approval.job_id) / "video.mp4"
    path.write_bytes(path.read_bytes() + b"more")
    async with house.signed_in() as browser:
        page = (await browser.get(f"/approvals/{number}")).text
        token = form_token(page)
        said = await browser.post(
            f"/approvals/{number}", data={"form_token": token, "decision": "approve"}
        )
        bundle = await browser.post(
            "/approvals", data={"form_token": token, f"decide-{number}": "approve"}
        )

    parsed(page)
    assert "its bytes have changed" in page
    assert 'value="approve"' not in page
    assert (said.status_code, bundle.status_code) == (409, 422)
    assert await house.state(number) == "pending"


async def test_an_expired_question_takes_no_yes(house: House) -> None:
    number = await house.ask(ttl=timedelta(milliseconds=1))
    async with house.signed_in() as browser:
        said = await answer(browser, f"/approvals/{number}", "approve")

    assert said.status_code == 409
    assert "expired" in said.text
    assert await house.state(number) == "expired"


async def test_what_is_not_there_is_a_page_that_says_so(house: House) -> None:
    async with house.signed_in() as browser:
        for path in (
            *("/approvals/999", "/approvals/0", "/approvals/99999999999999999999", "/approvals/x"),
            *("/approvals/%C2%B2", "/approvals/999/video", "/approvals?state=x", "/approvals/"),
            *("/nowhere", "/static/../app.py", "/static/app.py", "/static/%2e%2e%2fapp.py"),
        ):
            gone = await browser.get(path)

            assert gone.status_code == 404, path
            parsed(gone.text)


async def test_a_wrong_method_is_a_page_too(house: House) -> None:
    async with house.browser() as browser:
        wrong = await browser.get("/sign-out")

    assert wrong.status_code == 405
    parsed(wrong.text)


async def test_without_a_database_there_is_a_page_and_no_half_answer(house: House) -> None:
    number = await house.ask()
    async with house.signed_in() as browser:
        await browser.get(f"/approvals/{number}")
        await house.office.database.pool.close()
        gone = await browser.get(f"/approvals/{number}")

    assert gone.status_code == 503
    assert "does not answer" in gone.text
    parsed(gone.text)
