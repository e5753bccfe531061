"""Change a passport in the operator's own file: checked first, told in the log, written whole."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bookai.channels import ChannelSettings
from bookai.db import audit
from bookai.db.pool import Pool
from bookai.errors import OperatorNeeded, Refused
from bookai.settings import Settings, WrongSettings, check_settings
from bookai.toml.editing import change_table
from studio.channels.file import locked, read, replacing
from studio.channels.findings import look_through
from studio.channels.settling import ADDED, CHANGED, digest, settle, states
from studio.channels.values import Values

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A change of one channel: `new` adds it, `by` is who asks, `via` the door he came by."""

    channel: str
    values: Values
    new: bool
    by: str
    via: str


@dataclass(frozen=True, slots=True)
class Done:
    """What became of it; `changed` are the keys whose values are others now."""

    changed: tuple[str, ...]
    passport: ChannelSettings


async def change_channel(pool: Pool, toml: Path, wanted: Wanted) -> Done:
    """Change a channel in the file; the audit row of it comes first.

    What would be wrong afterwards is refused and the file stays as it is; so it does when the row
    cannot be written. A crash between the two leaves a row without its change, which `settling`
    finds: there is never a change without its row.

    Raises:
        Refused: the channel is unknown or there already, or a value is wrong.
        OperatorNeeded: the file is wrong as it stands, or cannot be written.
        TryLater: somebody else changes it at this moment.
    """
    with locked(toml):
        text = read(toml)
        before = check_settings(text, toml, {})
        fresh, after = _changed(text, toml, before, wanted)
        passport = after.channels[wanted.channel]
        changed = _differences(before.channels.get(wanted.channel), passport)
        if fresh == text:
            return Done((), passport)
        body = {
            "channel": wanted.channel,
            "keys": sorted(".".join(path) for path in wanted.values),
            "via": wanted.via,
            **states(toml, digest(text), digest(fresh)),
        }
        kind = ADDED if wanted.new else CHANGED
        with replacing(toml, fresh) as swap:
            async with pool.acquire() as con, con.transaction():
                await settle(con, toml, text)
                await audit.append(con, kind, wanted.by, body)
            try:
                swap()
            except OperatorNeeded:
                async with pool.acquire() as con, con.transaction():
                    await settle(con, toml, read(toml))
                raise
    return Done(changed, passport)


def _changed(text: str, toml: Path, before: Settings, wanted: Wanted) -> tuple[str, Settings]:
    """Return the new text and what it says.

    Raises:
        Refused: it would be wrong.
    """
    name = wanted.channel
    if wanted.new:
        _check_new(name, before)
    elif name not in before.channels:
        known = ", ".join(sorted(before.channels))
        raise Refused(
            f"there is no channel {name!r}; known: {known}. To add it: bookai channels add"
        )
    fresh = text
    if "default" in before.channels and "channels" not in before.model_fields_set:
        # The first table of the file would else take away the channel that is there without any.
        fresh = change_table(fresh, ("channels", "default"), {})
    fresh = change_table(fresh, ("channels", name), wanted.values)
    try:
        after = check_settings(fresh, toml, {})
    except WrongSettings as error:
        wrong = "; ".join(what for _, what in error.found)
        raise Refused(f"{wrong}. Nothing was changed.") from None
    of_it = f"channels.{name}."
    wrong = "; ".join(
        f"{one.key}: {one.what}"
        for one in look_through(after, fresh, secrets=False)
        if one.level == "fail" and one.key.startswith(of_it)
    )
    if wrong:
        raise Refused(f"{wrong}. Nothing was changed.")
    return fresh, after


def _check_new(name: str, before: Settings) -> None:
    if name in before.channels:
        raise Refused(f"there is a channel {name!r} already. To change it: bookai channels set")
    if not NAME.fullmatch(name):
        raise Refused(
            f"{name[:60]!r} is no name for a channel: take a-z, 0-9, _ and -, at most 60."
        )


def _differences(before: ChannelSettings | None, after: ChannelSettings) -> tuple[str, ...]:
    old = _flat(before.model_dump()) if before else {}
    new = _flat(after.model_dump())
    return tuple(sorted(key for key, value in new.items() if old.get(key, ...) != value))


def _flat(values: Mapping[str, object], at: str = "") -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in values.items():
        found |= _flat(value, f"{at}{key}.") if isinstance(value, dict) else {f"{at}{key}": value}
    return found
