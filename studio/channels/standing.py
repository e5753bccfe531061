"""What a channel's account may do: an account that was not audited publishes privately only."""

from collections.abc import Callable, Mapping

from bookai.channels import ChannelSettings
from bookai.errors import NotYet, OperatorNeeded, Refused
from bookai.models import Post
from bookai.settings import Settings
from tools.platforms.base import platforms

AGAIN_S = 300.0
"""How long a post waits before it asks again whether the passports can be read."""


def check_standing(name: str, channel: ChannelSettings) -> None:
    """Return when what is made for a channel could be published; asked before anything is made.

    Raises:
        Refused: the account may publish privately only, and its platform knows no private posts.
    """
    if channel.standing != "private_only":
        return
    platform = platforms().get(channel.platform)
    if platform is not None and "private" not in platform.sees:
        raise Refused(
            f"the account of channel {name!r} may publish only privately, and {channel.platform!r} "
            "cannot: nothing is made for it. Choose another platform, or set "
            f'channels.{name}.standing = "audited" once the platform has audited it.'
        )


def accounts_of(settings: Settings) -> Mapping[str, Mapping[str, str]]:
    """Return where the channels say that their secrets are, by platform and account."""
    found: dict[str, dict[str, str]] = {}
    for channel in settings.channels.values():
        if channel.credentials:
            found.setdefault(channel.platform, {})[channel.account] = channel.credentials
    return found


def check_post(name: str, passport_of: Callable[[str], ChannelSettings], post: Post) -> None:
    """Return when a post may be sent as the passport says now.

    Raises:
        NotYet: nobody knows what it says: the file is gone or broken.
        Refused: the account may publish privately only, and this post is for others.
    """
    try:
        channel = passport_of(name)
    except OperatorNeeded as error:
        raise NotYet(f"nothing is published: {error}", after_s=AGAIN_S) from error
    if channel.standing == "private_only" and post.visibility != "private":
        raise Refused(
            f"the account of channel {name!r} may publish only privately, and what was approved is "
            f"{post.visibility or 'for everybody'}: nothing was published. Make the video again."
        )
