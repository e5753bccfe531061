"""What an operator may change before his yes, and what stays whatever he writes."""

import json

import asyncpg
import pytest

from bookai.db import approvals, audit, jobs
from bookai.db.approvals import Approval, Rules
from bookai.db.approvals.edits import edited
from bookai.decisions import EditRow
from bookai.errors import Refused
from bookai.models import Flags, Post, PostEdit
from tests.bookai.db.approvals.asked import ANN, BOB, NOW, POST, ask, kinds, states

AD = POST.model_copy(
    update={
        "caption": "Ad: we earn a commission.\n\nToads cross.\n\n"
        "Source: Wikinews: https://example.org/toads",
        "disclosure": "Ad: we earn a commission.",
        "flags": Flags(paid_promotion=True),
        "offer_name": "A lamp",
        "offer_url": "https://shop.example/lamp?sub=1",
    }
)


async def new_job(pool: asyncpg.Pool) -> int:
    async with pool.acquire() as con, con.transaction():
        return await jobs.create(con, "a.md", "default", BOB)


async def approve(pool: asyncpg.Pool, approval_id: int, by: str = ANN, **words: object) -> Approval:
    edit = PostEdit.model_validate(words)
    return await approvals.decide(pool, approval_id, True, "better so", by, NOW, edit=edit)


async def test_the_changed_post_is_approved_in_the_place_of_the_first(pool: asyncpg.Pool) -> None:
    job_id = await new_job(pool)
    first = await ask(pool, job_id, AD)
    caption = AD.caption.replace("Toads cross.", "Toads cross at night.")

    row = await approve(pool, first, title="Toads  at night", caption=caption, hashtags=("toads",))

    new = AD.model_copy(
        update={"title": "Toads at night", "caption": caption, "hashtags": ("#toads",)}
    )
    assert (row.state, row.post, row.digest, row.follows) == ("approved", new, new.digest(), first)
    assert row.edits == (
        EditRow(field="caption", before=AD.caption, after=caption),
        EditRow(field="hashtags", before="#nature", after="#toads"),
        EditRow(field="title", before=AD.title, after="Toads at night"),
    )
    assert await states(pool) == {first: "void", row.approval_id: "approved"}
    job = await jobs.load(pool, job_id)
    assert (job.post, job.approval_id) == (new, row.approval_id)
    await approvals.check(pool, job_id, new.digest(), NOW)
    with pytest.raises(Refused, match="not what operator:ann approved"):
        await approvals.check(pool, job_id, AD.digest(), NOW)
    with pytest.raises(Refused, match=f"void.*see approval {row.approval_id}"):
        await approve(pool, first, BOB)
    assert (await kinds(pool))[-3:] == ["approval.void", "approval.edited", "approval.decided"]
    (event,) = await audit.search(pool, kind="approval.edited")
    assert json.loads(event.body)["changes"][2]["after"] == "#toads"


async def test_an_edit_that_changes_nothing_is_a_plain_yes(pool: asyncpg.Pool) -> None:
    first = await ask(pool, await new_job(pool), AD)

    row = await approve(pool, first, title=AD.title, caption=AD.caption + "\n")

    assert (row.approval_id, row.state, row.edits) == (first, "approved", ())


async def test_where_two_are_needed_the_edited_post_waits_for_the_other(pool: asyncpg.Pool) -> None:
    first = await ask(pool, await new_job(pool), AD, rules=Rules(needed=2))
    await approvals.decide(pool, first, True, "", BOB, NOW)

    row = await approve(pool, first, title="Another title")

    # Bob's yes was for other words.
    assert (row.state, [vote.by for vote in row.votes]) == ("pending", [ANN])
    assert (await approvals.decide(pool, row.approval_id, True, "", BOB, NOW)).state == "approved"


async def test_an_edit_is_no_way_to_reject(pool: asyncpg.Pool) -> None:
    first = await ask(pool, await new_job(pool), AD)

    with pytest.raises(Refused, match="goes with a yes"):
        await approvals.decide(pool, first, False, "no", ANN, NOW, edit=PostEdit(title="x"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"title": " "}, "1 to 100"),
        ({"title": "x" * 101}, "1 to 100"),
        ({"title": "Toads \u202eabc"}, r"does not show: U\+202E"),
        ({"title": "Toads\0"}, r"does not show: U\+0000"),
        ({"title": "see www.evil.example/x"}, "cannot bring in the link"),
        (
            {"caption": "Toads.\n\nSource: Wikinews: https://example.org/toads"},
            "begin with the dis",
        ),
        ({"caption": "\u200b" + AD.caption}, "does not show"),
        ({"caption": "No " + AD.caption}, "begin with the disclosure"),
        ({"caption": AD.caption.replace("commission.", "commission. Not!")}, "begin with the dis"),
        ({"caption": AD.caption.replace("https://example.org/toads", "")}, "keep the source"),
        ({"caption": AD.caption.replace("Source: Wiki", "Not source: Wiki")}, "keep the source"),
        ({"caption": AD.caption + "\nhttps://shop.example/other"}, "cannot bring in the link"),
        ({"caption": AD.caption + "x" * 2000}, "1 to 2000"),
        ({"hashtags": ("#a b",)}, "no hashtag"),
        ({"hashtags": ("#" + "x" * 31,)}, "no hashtag"),
        ({"hashtags": ("#1",)}, "no hashtag"),
        ({"hashtags": ("#ad", "#AD")}, "each once"),
        ({"hashtags": tuple("abcdefg")}, "at most 6"),
    ],
)
def test_what_makes_the_post_honest_stays(words: dict[str, object], said: str) -> None:
    with pytest.raises(Refused, match=said):
        edited(AD, PostEdit.model_validate(words))


def test_the_offers_own_link_may_be_said() -> None:
    new, _ = edited(AD, PostEdit(caption=f"{AD.caption}\n{AD.offer_url}"))

    assert new.caption.endswith(AD.offer_url or "-")


@pytest.mark.parametrize(
    "link",
    [
        "cheap.example.com",
        "spam.io?ref=me",
        "пример.рф/купить",
        "हिन्दी.भारत",
        "shop.xn--p1ai",
        "evil.example:8080",
        "evil\uff0eexample",
        "mail@evil.example",
        "192.0.2.1/x",
        "ftp://evil",
        "-https://evil",
        "https://EXAMPLE.org/Toads",
        "https://shop.example/lamp?sub=2",
        "https://example.org/toads,https://evil.example",
        "https://example.org/toads\\@evil.example",
    ],
)
def test_no_new_link_comes_in_with_or_without_a_scheme(link: str) -> None:
    for words in ({"title": f"Toads ({link})"}, {"caption": f"{AD.caption}\n{link}"}):
        with pytest.raises(Refused, match="cannot bring in the link"):
            edited(AD, PostEdit.model_validate(words))


@pytest.mark.parametrize(
    "text",
    [
        "3.5 km at 10.30pm, e.g. in the U.S., No.1 of v1.2",
        "Wait...and see: a.m. or p.m.? $3.50!",
        "ヒキガエルです。明日も。",
        "Dr. Who, St. Gallen, Ph.D.",
        "see https://Example.org/toads, (shop.example/lamp?sub=1).",
    ],
)
def test_ordinary_words_and_the_known_links_may_be_written(text: str) -> None:
    new, _ = edited(AD, PostEdit(title=text))

    assert new.title == text


def test_a_dot_that_looks_like_a_link_is_told_how_to_write() -> None:
    with pytest.raises(Refused, match=r"'node\.js'.*without the dot, or with a space after it"):
        edited(AD, PostEdit(title="Node.js for toads"))


@pytest.mark.parametrize(
    "change",
    [
        {"disclosure": ""},
        {"flags": Flags()},
        {"video_sha256": "0" * 64},
        {"account": "other"},
        {"source_url": "https://example.org/other"},
        {"caption": "Toads cross.\n\nSource: Wikinews: https://example.org/toads"},
        {"caption": "Ad: we earn a commission.\n\nToads cross."},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_the_database_takes_no_successor_that_differs_in_more_than_words(
    change: dict[str, object], pool: asyncpg.Pool
) -> None:
    first = await ask(pool, await new_job(pool), AD)
    await pool.execute("UPDATE approvals SET state = 'void'")
    other: Post = AD.model_copy(update=change)

    with pytest.raises(asyncpg.CheckViolationError, match="disclosure and source stay"):
        await pool.execute(
            "INSERT INTO approvals (job_id, digest, post, video_path, requested_at, expires_at,"
            " follows, channel, requested_by)"
            " SELECT job_id, $2, $3::text::jsonb, video_path, requested_at, expires_at,"
            " approval_id, channel, requested_by FROM approvals WHERE approval_id = $1",
            first,
            other.digest(),
            other.model_dump_json(),
        )
