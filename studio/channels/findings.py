"""What is wrong with passports although each is well written: what no account or platform can."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from bookai.channels import ChannelSettings
from bookai.channels.credentials import read_credential
from bookai.errors import OperatorNeeded
from bookai.settings import Settings
from bookai.toml import KeyPath, dotted, line_of, lines_of
from tools.platforms.base import platforms
from tools.voices.base import installed_voices

Level = Literal["note", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing, with the line of the file where it has one."""

    level: Level
    line: int | None
    key: str
    what: str

    def __str__(self) -> str:
        """Return it in one line, as editors follow it."""
        at = f"studio.toml:{self.line}: " if self.line else ""
        return f"{at}{self.key}: {self.what}"


def look_through(settings: Settings, text: str, *, secrets: bool = True) -> tuple[Finding, ...]:
    """Return what would keep a channel from working, in the file's order.

    `text` is the file's; with `secrets` each reference to one is followed, and nothing told of
    what is there.
    """
    lines = lines_of(text)
    found = [
        Finding(level, line_of(lines, path), dotted(path), what)
        for name, channel in settings.channels.items()
        for level, path, what in _of_channel(name, channel, settings, secrets)
    ]
    for number, source in enumerate(settings.sources):
        if source.channel not in settings.channels:
            path: KeyPath = ("sources", number, "channel")
            known = ", ".join(sorted(settings.channels))
            what = f"there is no channel {source.channel!r}; known: {known}"
            found.append(Finding("fail", line_of(lines, path), dotted(path), what))
    return tuple(sorted(found, key=lambda one: (one.line or 0, one.key)))


_Told = Iterator[tuple[Level, KeyPath, str]]


def _of_channel(name: str, channel: ChannelSettings, settings: Settings, secrets: bool) -> _Told:
    at = ("channels", name)
    yield from _of_platform(at, channel)
    if channel.voice not in installed_voices():
        known = ", ".join(sorted(installed_voices()))
        yield "fail", (*at, "voice"), f"there is no voice {channel.voice!r}; known: {known}"
    if channel.autonomy.after and (channel.approvals_needed > 1 or channel.approvers):
        yield (
            *("note", (*at, "autonomy", "after")),
            "a channel that several people approve never runs alone",
        )
    if channel.cadence.times and not any(one.channel == name for one in settings.sources):
        yield (
            "note",
            (*at, "cadence", "times"),
            "no [[sources]] names this channel: slots stay free",
        )
    caps = channel.cadence
    if caps.times and caps.posts_per_day is not None and len(caps.times) > caps.posts_per_day:
        yield (
            *("note", (*at, "cadence", "posts_per_day")),
            f"{len(caps.times)} slots a day, and {caps.posts_per_day} may be used",
        )
    if secrets and channel.credentials:
        yield from _of_secret((*at, "credentials"), channel.credentials)


def _of_platform(at: tuple[str, str], channel: ChannelSettings) -> _Told:
    known = platforms()
    platform = known.get(channel.platform)
    if platform is None:
        names = ", ".join(sorted(known))
        yield (
            *("fail", (*at, "platform")),
            f"there is no platform {channel.platform!r}; known: {names}",
        )
        return
    sees = " and ".join(sorted(platform.sees))
    if channel.standing == "private_only" and "private" not in platform.sees:
        yield (
            *("fail", (*at, "standing")),
            f"the account may publish only privately, and {channel.platform!r} cannot",
        )
    elif channel.visibility and channel.visibility not in platform.sees:
        yield (
            *("fail", (*at, "visibility")),
            f"{channel.platform!r} knows no {channel.visibility!r} posts, only {sees}",
        )
    if channel.made_for_kids and not platform.knows_kids:
        yield (
            *("fail", (*at, "made_for_kids")),
            f"{channel.platform!r} has no way to tell that a video is made for kids",
        )


def _of_secret(path: KeyPath, reference: str) -> _Told:
    try:
        read_credential(dotted(path), reference)
    except OperatorNeeded as error:
        what = str(error).removeprefix(f"{dotted(path)}: ")
        # Whoever looks from a terminal is not the service that systemd lends it to.
        yield "note" if reference.startswith("credential:") else "fail", path, what
