from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bookai.errors import BookAIError, NotYet, OperatorNeeded, Refused, ToolFailed, TryLater
from bookai.models import Post, Publication
from tests.peers.fake_pds import DID, HANDLE, FakePds
from tests.peers.http_peer import Reply
from tests.peers.tickets import Lease, ticket
from tests.tools.platforms.conftest import bluesky_config
from tools.base import ToolContext
from tools.platforms.base import ACCOUNTS, Files, LeaseLost, NotSent, Sent
from tools.platforms.bluesky import PLATFORM


@pytest.fixture
def ctx(pds: FakePds, lend: Any, tmp_path: Path) -> ToolContext:
    found: ToolContext = lend(config=bluesky_config(tmp_path, pds.url))
    return found


def post_of(made: Any, **changes: Any) -> Post:
    post: Post = made.with_offer(platform="bluesky", account=HANDLE, **changes)
    return post


async def send(made: Any, ctx: ToolContext, lease: Lease, post: Post | None = None) -> Sent:
    files = Files(video=made.video, thumbnail=made.thumbnail, captions=made.captions)
    return await PLATFORM.send(post or post_of(made), files, ticket("k1", lease), ctx)


async def failing(made: Any, ctx: ToolContext, post: Post | None = None) -> BookAIError:
    """Send, expect that certainly nothing went out, and return the cause."""
    with pytest.raises(NotSent) as caught:
        await send(made, ctx, Lease(), post)
    return caught.value.cause


async def test_a_post_has_the_video_its_captions_and_everything_that_must_be_said(
    made: Any, ctx: ToolContext, pds: FakePds
) -> None:
    sent = await send(made, ctx, Lease())

    ((rkey, record),) = pds.records.items()
    assert sent.external_id == f"at://{DID}/app.bsky.feed.post/{rkey}"
    assert sent.url == f"https://bsky.app/profile/{DID}/post/{rkey}"
    text = record["text"]
    assert text.startswith(f"{post_of(made).disclosure}\n\nClocks agree to a billionth.")
    assert "AI-made: voice and pictures" in text
    raw = text.encode()
    marked = {
        raw[facet["index"]["byteStart"] : facet["index"]["byteEnd"]].decode(): facet["features"][0]
        for facet in record["facets"]
    }
    assert marked["Atomic wall clock"]["uri"] == "https://example.com/clock?subid=v7p1"
    assert marked["Source: Wikinews"]["uri"] == "https://example.org/clocks"
    assert marked["#Clocks"]["tag"] == "Clocks"
    embed = record["embed"]
    assert embed["video"]["size"] == made.video.stat().st_size
    assert embed["aspectRatio"] == {"width": 72, "height": 128}
    assert embed["captions"][0]["lang"] == "en"
    assert embed["alt"].startswith("Clocks that agree. Clocks agree")
    assert record["createdAt"] == "2026-11-24T09:30:00.000Z"


async def test_the_key_is_kept_before_the_first_byte_and_decides_the_record(
    made: Any, ctx: ToolContext, pds: FakePds
) -> None:
    lease = Lease()

    async def nothing_yet() -> None:
        if not lease.handles:
            assert pds.blobs == {}

    lease.on_hold = nothing_yet
    first = await send(made, ctx, lease)

    assert await send(made, ctx, Lease()) == first
    assert (len(pds.records), pds.writes) == (1, 2)
    assert await PLATFORM.find(post_of(made), ticket("k1", lease), ctx) == first


async def test_an_answer_that_got_lost_leaves_the_outcome_open_and_is_found(
    made: Any, ctx: ToolContext, pds: FakePds
) -> None:
    lease = Lease()
    pds.lose_answer = {"repo.putRecord"}

    with pytest.raises(TryLater, match="broke off") as caught:
        await send(made, ctx, lease)

    assert not isinstance(caught.value, NotSent)
    found = await PLATFORM.find(post_of(made), ticket("k1", lease), ctx)
    assert found is not None
    assert found.external_id.rpartition("/")[2] in pds.records


async def test_what_never_began_or_broke_off_before_the_record_is_not_there(
    made: Any, ctx: ToolContext, pds: FakePds
) -> None:
    assert await PLATFORM.find(post_of(made), ticket("k1"), ctx) is None
    lease = Lease()
    pds.cut_body = {"repo.uploadBlob"}

    with pytest.raises(NotSent) as caught:
        await send(made, ctx, lease)

    assert isinstance(caught.value.cause, TryLater)
    assert await PLATFORM.find(post_of(made), ticket("k1", lease), ctx) is None
    await send(made, ctx, lease)
    assert len(pds.records) == 1


async def test_a_token_that_runs_out_in_the_middle_is_renewed(
    made: Any, ctx: ToolContext, pds: FakePds
) -> None:
    for after in range(3):
        pds.expire_after = after
        await send(made, ctx, Lease())

    assert pds.calls["server.refreshSession"] == 3
    assert len(pds.records) == 1


async def test_a_blob_that_is_not_the_approved_one_is_refused_before_the_record(
    made: Any, ctx: ToolContext, pds: FakePds
) -> None:
    pds.spoil_blobs = True
    cause = await failing(made, ctx)
    assert isinstance(cause, Refused)
    assert "is not what was approved any more" in str(cause)
    pds.spoil_blobs = False
    made.video.write_bytes(made.video.read_bytes() + b"\0")

    assert isinstance(await failing(made, ctx), Refused)
    assert pds.records == {}


async def test_a_lease_that_is_lost_before_the_record_writes_none(
    made: Any, ctx: ToolContext, pds: FakePds
) -> None:
    with pytest.raises(LeaseLost):
        await send(made, ctx, Lease(lost_after=1))

    assert pds.records == {}
    assert len(pds.blobs) == 2


@pytest.mark.parametrize(
    ("method", "reply", "kind", "after_s"),
    [
        ("repo.uploadBlob", Reply(503, headers={"Retry-After": "77"}), TryLater, 77),
        ("repo.putRecord", Reply(429, headers={"Retry-After": "40"}), NotYet, 40),
        ("server.createSession", Reply(429, {"error": "RateLimitExceeded"}), NotYet, 300),
        ("repo.putRecord", Reply(400, {"error": "InvalidRequest"}), Refused, None),
        ("repo.putRecord", Reply(403, {"error": "AccountTakedown"}), OperatorNeeded, None),
        ("server.createSession", Reply(502), TryLater, 60),
    ],
)
async def test_a_clear_no_says_when_to_come_again_or_whom_to_ask(
    method: str,
    reply: Reply,
    kind: type[BookAIError],
    after_s: float | None,
    made: Any,
    ctx: ToolContext,
    pds: FakePds,
) -> None:
    pds.busy[method] = reply

    cause = await failing(made, ctx)

    assert type(cause) is kind
    assert getattr(cause, "after_s", None) == after_s
    assert pds.records == {}


async def test_a_limit_that_names_its_end_is_waited_for(
    made: Any, ctx: ToolContext, pds: FakePds
) -> None:
    at = int(datetime.now(UTC).timestamp()) + 500
    pds.busy["repo.putRecord"] = Reply(429, headers={"RateLimit-Reset": str(at)})

    cause = await failing(made, ctx)

    assert isinstance(cause, NotYet)
    assert 480 < cause.after_s <= 500


@pytest.mark.parametrize("status", [408, 425, 499, 500, 504])
async def test_an_answer_that_is_no_clear_no_to_the_record_leaves_the_outcome_open(
    status: int, made: Any, ctx: ToolContext, pds: FakePds
) -> None:
    pds.busy["repo.putRecord"] = Reply(status, {"error": "InternalServerError"})

    with pytest.raises(TryLater) as caught:
        await send(made, ctx, Lease())

    assert not isinstance(caught.value, NotSent)


async def test_only_the_account_that_was_approved_is_used(
    made: Any, ctx: ToolContext, pds: FakePds
) -> None:
    cause = await failing(made, ctx, post_of(made).model_copy(update={"account": "other.test"}))

    assert isinstance(cause, Refused)
    assert "approved for 'other.test'" in str(cause)
    assert pds.log == []


async def test_an_account_of_a_channels_own_is_used_with_its_own_secret(
    made: Any, pds: FakePds, lend: Any, tmp_path: Path
) -> None:
    config = bluesky_config(tmp_path, pds.url)
    right = config["bluesky"].pop("password_file")
    config["bluesky"] |= {"handle": "other.test", "password_file": "/nonexistent/of-another"}
    config[ACCOUNTS] = {"bluesky": {HANDLE: f"file:{right}"}}

    sent = await send(made, lend(config=config), Lease())

    assert sent.external_id.startswith(f"at://{DID}/")


async def test_a_wrong_password_is_for_the_operator_and_is_never_repeated(
    made: Any, pds: FakePds, lend: Any, tmp_path: Path
) -> None:
    ctx = lend(config=bluesky_config(tmp_path, pds.url, password="hunter2"))

    cause = await failing(made, ctx)

    assert isinstance(cause, OperatorNeeded)
    assert "hunter2" not in str(cause)


async def test_a_private_address_is_not_spoken_to_unless_it_is_allowed(
    made: Any, pds: FakePds, lend: Any, tmp_path: Path
) -> None:
    config = {**bluesky_config(tmp_path, pds.url), "allow_private": ()}

    cause = await failing(made, lend(config=config))

    assert isinstance(cause, OperatorNeeded)
    assert "loopback" in str(cause)
    assert pds.log == []


async def test_captions_over_the_limit_are_refused(
    made: Any, ctx: ToolContext, pds: FakePds
) -> None:
    made.captions.write_bytes(b"x" * 20_001)

    assert "Bluesky takes 20000" in str(await failing(made, ctx))
    assert pds.log == []


async def test_a_report_has_what_the_network_counts_and_says_what_it_does_not(
    made: Any, ctx: ToolContext, pds: FakePds
) -> None:
    sent = await send(made, ctx, Lease())
    receipt = Publication(
        post_id=1,
        platform="bluesky",
        url=sent.url,
        external_id=sent.external_id,
        published_at=datetime.now(UTC),
    )

    report = await PLATFORM.report(receipt, ctx)

    assert report.views is None
    assert "counts no views; 12 likes, 3 reposts, 1 replies" in report.note
    pds.records.clear()
    with pytest.raises(ToolFailed, match="not there any more"):
        await PLATFORM.report(receipt, ctx)
