"""Channels that post as the same account: none of them may be laxer than the others."""

from collections.abc import Mapping

from bookai.channels.passport import ChannelSettings

_SAME = ("approvals_needed", "approvers", "standing")


def laxer(channels: Mapping[str, ChannelSettings]) -> tuple[tuple[str, str, str], ...]:
    """Return the name, key and mend of each that differs from an earlier one of its account."""
    first: dict[tuple[str, str], str] = {}
    found = []
    for name, channel in channels.items():
        other = first.setdefault((channel.platform, channel.account), name)
        for key in _SAME:
            if _said(channel, key) != _said(channels[other], key):
                what = (
                    f"channel {other!r} posts as {channel.platform}/{channel.account} too, and has "
                    f"another {key}: whoever is refused there could publish here. Write the same "
                    "in both, or give one of them an account of its own"
                )
                found.append((name, key, what))
    return tuple(found)


def _said(channel: ChannelSettings, key: str) -> object:
    value = getattr(channel, key)
    return frozenset(value) if isinstance(value, tuple) else value
