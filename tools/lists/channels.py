"""Channels as tools and desks tell of them: what a passport says, without where its secrets are."""

from collections.abc import Mapping
from typing import Any

from bookai.channels import DAYS, CadenceSettings, ChannelSettings
from bookai.models import Record
from tools.lists.rows import PauseRow


class ChannelRow(Record):
    """A channel in a list.

    `cadence` tells the times and days of its slots; `credentials` only of what kind the reference
    to its secret is; `runs_alone` after how many approvals nobody edited it may, if at all.
    """

    name: str
    platform: str
    account: str
    language: str
    time_zone: str
    cadence: str
    posts_per_day: int | None
    waiting: int
    standing: str
    visibility: str | None
    credentials: str
    brand_voice: int
    runs_alone: str
    paused: str | None


class ChannelDetail(Record):
    """One channel: its row, and everything that its passport says, defaults too."""

    channel: ChannelRow
    passport: Mapping[str, Any]


class ChannelChange(Record):
    """What was changed of a channel's passport; `added` tells that the channel is new."""

    channel: str
    added: bool
    changed: tuple[str, ...]
    passport: Mapping[str, Any]


def row_of(name: str, channel: ChannelSettings, pause: PauseRow | None) -> ChannelRow:
    """Return a channel as a list shows it; `pause` is its own or the whole studio's."""
    after = channel.autonomy.after
    return ChannelRow(
        name=name,
        platform=channel.platform,
        account=channel.account,
        language=channel.language,
        time_zone=channel.time_zone,
        cadence=_cadence(channel.cadence),
        posts_per_day=channel.cadence.posts_per_day,
        waiting=channel.cadence.waiting,
        standing=channel.standing,
        visibility="private" if channel.standing == "private_only" else channel.visibility,
        credentials=(channel.credentials or "none").partition(":")[0],
        brand_voice=channel.brand_voice.version,
        runs_alone=f"after {after}, {channel.autonomy.per_day} a day" if after else "never",
        paused=f"{pause.reason} ({pause.paused_by})" if pause else None,
    )


def told_passport(channel: ChannelSettings) -> Mapping[str, Any]:
    """Return a passport's values as anyone may see them: files of this machine are not named."""
    values = channel.model_dump(mode="json")
    values["credentials"] = (channel.credentials or "none").partition(":")[0]
    for key in ("font", "logo"):
        values["kit"][key] = "a file of this machine" if values["kit"][key] else ""
    return values


def _cadence(cadence: CadenceSettings) -> str:
    if not cadence.times:
        return "as its sources say"
    days = "daily" if len(cadence.days) == len(DAYS) else " ".join(cadence.days)
    return f"{' '.join(cadence.times)} {days}"
