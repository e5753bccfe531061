"""What every file in tools/platforms/ keeps, those that are written tomorrow included."""

from typing import Any, get_args

import pytest

from bookai.errors import BookAIError, OperatorNeeded
from bookai.models import Flags
from tests.peers.tickets import Lease, ticket
from tools.base import ToolContext
from tools.platforms.base import Files, LeaseLost, NotSent, Platform, Resend, Shown, platforms

PLATFORMS = platforms()
each_platform = pytest.mark.parametrize("platform", PLATFORMS.values(), ids=PLATFORMS.keys())


def files_of(made: Any) -> Files:
    return Files(video=made.video, thumbnail=made.thumbnail, captions=made.captions)


def test_there_are_platforms() -> None:
    assert {"gallery", "bluesky", "youtube"} <= set(PLATFORMS)


@each_platform
def test_it_says_what_happens_to_an_unknown_outcome(platform: Platform) -> None:
    assert platform.resend in get_args(Resend)


@each_platform
def test_it_says_of_every_fact_how_viewers_are_told(platform: Platform) -> None:
    assert set(platform.shows) == set(Flags.model_fields)
    assert set(platform.shows.values()) <= set(get_args(Shown))


@each_platform
async def test_what_was_never_sent_is_not_found(platform: Platform, made: Any, lend: Any) -> None:
    assert await platform.find(made.post, ticket("nobody sent this"), lend()) is None


@each_platform
async def test_without_its_settings_it_says_what_to_set_and_certainly_sends_nothing(
    platform: Platform, made: Any, lend: Any
) -> None:
    ctx: ToolContext = lend(config={platform.name: {"no such key": "s3cret"}})

    with pytest.raises(NotSent) as caught:
        await platform.send(made.post, files_of(made), ticket(), ctx)

    cause: BookAIError = caught.value.cause
    assert isinstance(cause, OperatorNeeded)
    assert f"[plugins.{platform.name}]" in str(cause)
    assert cause.mend
    assert "s3cret" not in str(cause)


@each_platform
async def test_a_lost_lease_is_told_as_such_or_comes_after_a_clear_no(
    platform: Platform, made: Any, lend: Any
) -> None:
    with pytest.raises((LeaseLost, NotSent)):
        await platform.send(made.post, files_of(made), ticket(lease=Lease(lost_after=0)), lend())
