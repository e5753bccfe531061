from typing import Any

import pytest

from bookai.errors import OperatorNeeded, Refused, TryLater
from bookai.models import Post
from tests.peers.fake_youtube import UNIT, FakeYoutube
from tests.peers.http_peer import Reply
from tests.peers.tickets import Lease
from tests.tools.platforms.conftest import SIZE, Pauses
from tools.platforms.base import LeaseLost, NotSent, Sent


def only(tube: FakeYoutube, post: Post) -> dict[str, Any]:
    """Return the one video, which has exactly the approved bytes."""
    (video,) = tube.videos.values()
    assert video["sha256"] == post.video_sha256
    return video


async def test_a_video_says_everything_and_leaves_nothing_to_defaults(
    send: Any, tube: FakeYoutube, post: Post
) -> None:
    sent = await send(Lease())

    video = only(tube, post)
    assert sent == Sent(
        external_id=video["id"], url=f"https://www.youtube.com/watch?v={video['id']}"
    )
    assert video["status"] == {
        "privacyStatus": "private",
        "selfDeclaredMadeForKids": False,
        "containsSyntheticMedia": True,
        "license": "youtube",
        "embeddable": True,
        "uploadStatus": "uploaded",
    }
    assert video["paidProductPlacementDetails"] == {"hasPaidProductPlacement": True}
    snippet = video["snippet"]
    assert snippet["title"] == "Clocks that agree"
    assert snippet["description"].startswith(post.disclosure)
    assert "Atomic wall clock: https://example.com/clock?subid=v7p1" in snippet["description"]
    assert snippet["defaultAudioLanguage"] == "en"
    assert tube.count("PUT") == 4


async def test_the_session_is_kept_before_the_first_byte(
    send: Any, tube: FakeYoutube, post: Post
) -> None:
    lease = Lease()

    async def nothing_yet() -> None:
        if len(lease.handles) < 2:
            assert tube.count("PUT") == 0

    lease.on_hold = nothing_yet

    await send(lease)

    assert "upload_id" in lease.handles[0]


async def test_a_broken_connection_goes_on_inside_the_chunk(
    send: Any, tube: FakeYoutube, post: Post
) -> None:
    tube.cut_after = UNIT + 100_000

    await send(Lease())

    only(tube, post)
    assert len(tube.sessions) == 1


async def test_another_attempt_resumes_the_same_session(
    send: Any, find: Any, tube: FakeYoutube, post: Post
) -> None:
    lease = Lease(lost_after=4)
    with pytest.raises(LeaseLost):
        await send(lease)
    (session,) = tube.sessions.values()
    assert len(session.data) == 2 * UNIT
    lease.lost_after = None
    assert await find(lease) is None

    await send(lease)

    only(tube, post)
    assert len(tube.sessions) == 1


async def test_an_answer_lost_after_the_commit_is_fetched_again(
    send: Any, find: Any, tube: FakeYoutube, post: Post
) -> None:
    tube.lose_answer = True
    lease = Lease()

    sent = await send(lease)

    assert sent.external_id == only(tube, post)["id"]
    assert await find(lease) == sent


async def test_a_session_that_vanished_before_its_end_is_replaced(
    send: Any, find: Any, tube: FakeYoutube, post: Post
) -> None:
    lease = Lease(lost_after=3)
    with pytest.raises(LeaseLost):
        await send(lease)
    lease.lost_after = None
    tube.forget_sessions = True

    with pytest.raises(NotSent, match="is gone"):
        await send(lease)
    tube.forget_sessions = False

    assert await find(lease) is None
    await send(lease)
    only(tube, post)


async def test_a_session_that_vanished_after_its_end_is_looked_for_among_the_videos(
    send: Any, find: Any, tube: FakeYoutube, post: Post
) -> None:
    lease = Lease()
    sent = await send(lease)
    tube.forget_sessions = True

    assert await find(lease) == sent
    tube.videos.clear()
    with pytest.raises(OperatorNeeded, match="nobody knows whether it is out"):
        await find(lease)


async def test_a_token_that_dies_in_the_middle_is_renewed(
    send: Any, tube: FakeYoutube, post: Post
) -> None:
    tube.expire_after = 3

    await send(Lease())

    only(tube, post)
    assert tube.count("POST /token") == 2


async def test_a_busy_server_is_given_the_time_it_asks_for(
    send: Any, tube: FakeYoutube, post: Post, pauses: Pauses
) -> None:
    lease = Lease()
    tube.busy = []

    async def busy_at_the_second_chunk() -> None:
        if len(lease.handles) == 2 and not pauses.seconds:
            tube.busy = [Reply(503, headers={"Retry-After": "7"})] * 2

    lease.on_hold = busy_at_the_second_chunk

    await send(lease)

    only(tube, post)
    assert pauses.seconds == [0.2, 7]


async def test_a_server_that_asks_for_more_patience_than_a_call_has_is_left(
    send: Any, tube: FakeYoutube, post: Post
) -> None:
    lease = Lease()

    async def busy_for_long() -> None:
        tube.busy = [Reply(503, headers={"Retry-After": "900"})] if len(lease.handles) == 2 else []

    lease.on_hold = busy_for_long

    with pytest.raises(NotSent) as caught:
        await send(lease)

    assert isinstance(caught.value.cause, TryLater)
    assert caught.value.cause.after_s == 900


async def test_the_days_quota_is_waited_for_until_midnight_in_california(
    send: Any, tube: FakeYoutube
) -> None:
    tube.quota = 0

    with pytest.raises(NotSent, match="quota is spent") as caught:
        await send(Lease())

    assert isinstance(caught.value.cause, TryLater)
    # 01:30 there: twenty-two and a half hours, and a minute.
    assert caught.value.cause.after_s == 22.5 * 3600 + 60


async def test_a_revoked_token_is_for_the_operator(send: Any, tube: FakeYoutube) -> None:
    tube.revoked = True

    with pytest.raises(NotSent) as caught:
        await send(Lease())

    assert isinstance(caught.value.cause, OperatorNeeded)
    assert "refresh token was revoked" in caught.value.cause.mend


@pytest.mark.parametrize(
    ("range_", "offset", "said"),
    [("bytes=0-99999999", 0, "were handed over"), ("bytes=5-9", 0, "no range from 0")],
)
async def test_an_offset_that_cannot_be_true_stops_the_upload(
    range_: str, offset: int, said: str, send: Any, tube: FakeYoutube
) -> None:
    tube.malformed = range_

    with pytest.raises(NotSent, match=said):
        await send(Lease())

    assert tube.videos == {}


async def test_two_bytes_that_are_none_are_read_as_none(
    send: Any, tube: FakeYoutube, post: Post
) -> None:
    tube.malformed = "bytes=0--1"

    with pytest.raises(NotSent):
        await send(Lease())

    (session,) = tube.sessions.values()
    # Sent again from the start and refused there: never from byte 2.
    assert len(session.data) == UNIT


async def test_bytes_that_change_while_they_are_sent_never_get_their_last_part(
    send: Any, find: Any, made: Any, tube: FakeYoutube
) -> None:
    lease = Lease()

    async def change_after_the_first_chunk() -> None:
        if len(lease.handles) == 2:
            made.video.write_bytes(b"y" * SIZE)

    lease.on_hold = change_after_the_first_chunk

    with pytest.raises(NotSent) as caught:
        await send(lease)

    assert isinstance(caught.value.cause, Refused)
    assert "changed while it was sent" in str(caught.value.cause)
    assert tube.videos == {}


async def test_what_an_earlier_attempt_sent_of_other_bytes_is_not_continued(
    send: Any, made: Any, tube: FakeYoutube, post: Post
) -> None:
    right = made.video.read_bytes()
    lease = Lease(lost_after=3)
    made.video.write_bytes(b"y" * SIZE)
    with pytest.raises(LeaseLost):
        await send(lease)
    lease.lost_after = None
    made.video.write_bytes(right)

    await send(lease)

    only(tube, post)
    assert len(tube.sessions) == 2
