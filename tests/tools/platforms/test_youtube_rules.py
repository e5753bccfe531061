"""What YouTube is told, what it is not asked to take, and what comes home."""

from pathlib import Path
from typing import Any

import pytest

from bookai.errors import OperatorNeeded, Refused, ToolFailed
from bookai.models import Post, Publication, Visibility
from tests.peers.fake_youtube import FakeYoutube
from tests.peers.tickets import Lease, ticket
from tests.tools.platforms.conftest import NOW, youtube_config
from tools.base import ToolContext
from tools.platforms.base import Files, NotSent
from tools.platforms.youtube import Youtube


async def test_a_video_that_is_not_as_private_as_it_was_ordered_raises_an_alarm(
    send: Any, tube: FakeYoutube, post: Post
) -> None:
    tube.default_privacy = "public"

    sent = await send(Lease())

    assert "privacyStatus is 'public' instead of 'private'" in sent.alarm
    assert f"https://studio.youtube.com/video/{sent.external_id}/edit" in sent.alarm


async def test_a_session_on_another_host_does_not_get_the_token(
    send: Any, tube: FakeYoutube
) -> None:
    tube.elsewhere = "https://evil.example"

    with pytest.raises(NotSent, match=r"opened a session at 'evil\.example'"):
        await send(Lease())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"title": "x" * 101}, "YouTube takes 1 to 100"),
        ({"caption": "a <b> tag"}, "holds < or >"),
        ({"account": "another channel"}, "approved for 'another channel'"),
    ],
)
async def test_what_youtube_does_not_take_is_refused_before_anything_is_sent(
    change: dict[str, str],
    said: str,
    made: Any,
    ctx: ToolContext,
    post: Post,
    youtube: Youtube,
    tube: FakeYoutube,
) -> None:
    files = Files(video=made.video, thumbnail=made.thumbnail, captions=made.captions)

    with pytest.raises(NotSent, match=said) as caught:
        await youtube.send(post.model_copy(update=change), files, ticket(), ctx)

    assert isinstance(caught.value.cause, Refused)
    assert tube.sessions == {}


@pytest.mark.parametrize("visibility", ["private", "unlisted", "public"])
async def test_who_sees_a_video_and_whom_it_is_for_is_what_was_approved(
    visibility: Visibility,
    made: Any,
    ctx: ToolContext,
    post: Post,
    youtube: Youtube,
    tube: FakeYoutube,
) -> None:
    files = Files(video=made.video, thumbnail=made.thumbnail, captions=made.captions)
    asked = post.model_copy(update={"visibility": visibility, "made_for_kids": True})

    await youtube.send(asked, files, ticket(), ctx)

    (video,) = tube.videos.values()
    status = video["status"]
    assert (status["privacyStatus"], status["selfDeclaredMadeForKids"]) == (visibility, True)


async def test_a_post_that_does_not_say_whether_it_is_for_kids_is_not_sent(
    made: Any, ctx: ToolContext, post: Post, youtube: Youtube, tube: FakeYoutube
) -> None:
    files = Files(video=made.video, thumbnail=made.thumbnail, captions=made.captions)
    unsaid = post.model_copy(update={"made_for_kids": None})

    with pytest.raises(NotSent, match="made for kids") as caught:
        await youtube.send(unsaid, files, ticket(), ctx)

    assert isinstance(caught.value.cause, OperatorNeeded)
    assert tube.sessions == {}


@pytest.mark.parametrize("missing", ["account", "client_id"])
async def test_what_has_no_default_must_be_set(
    missing: str, made: Any, post: Post, youtube: Youtube, lend: Any, tmp_path: Path
) -> None:
    config = youtube_config(tmp_path, "http://127.0.0.1:9")
    del config["youtube"][missing]

    with pytest.raises(OperatorNeeded, match="needs account and client_id"):
        await youtube.find(post, ticket(handle='{"session":"s","size":1}'), lend(config=config))


async def test_a_report_counts_views_and_names_a_rejection(
    send: Any, tube: FakeYoutube, youtube: Youtube, ctx: ToolContext
) -> None:
    sent = await send(Lease())
    receipt = Publication(
        post_id=1,
        platform="youtube",
        url=sent.url,
        external_id=sent.external_id,
        published_at=NOW,
    )

    report = await youtube.report(receipt, ctx)

    assert (report.views, report.note) == (41, "5 likes, no comments; it is private")
    tube.videos[sent.external_id]["status"]["uploadStatus"] = "rejected"
    with pytest.raises(ToolFailed, match="is rejected"):
        await youtube.report(receipt, ctx)
    tube.videos.clear()
    with pytest.raises(ToolFailed, match="not there any more"):
        await youtube.report(receipt, ctx)
