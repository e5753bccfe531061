"""Change a passport in the operator's own file: checked first, written whole, told in the log."""

import fcntl
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bookai.channels import ChannelSettings
from bookai.db import audit
from bookai.db.pool import Pool
from bookai.errors import OperatorNeeded, Refused, TryLater
from bookai.settings import Settings, WrongSettings, check_settings
from bookai.toml.editing import change_table
from studio.channels.findings import look_through
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
    """Change a channel in the file, and write the audit row of it in the same breath.

    What would be wrong afterwards is refused and the file stays as it is; so it does when the row
    cannot be written.

    Raises:
        Refused: the channel is unknown or there already, or a value is wrong.
        OperatorNeeded: the file is wrong as it stands, or cannot be written.
        TryLater: somebody else changes it at this moment.
    """
    with _locked(toml):
        text = _read(toml)
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
            "file_sha256_before": hashlib.sha256(text.encode()).hexdigest(),
            "file_sha256": hashlib.sha256(fresh.encode()).hexdigest(),
        }
        kind = "channel.added" if wanted.new else "channel.changed"
        with kept(toml, text):
            async with pool.acquire() as con, con.transaction():
                await audit.append(con, kind, wanted.by, body)
                _write(toml, fresh)
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


@contextmanager
def _locked(toml: Path) -> Iterator[None]:
    """Let one at a time change the file; the kernel frees the lock of a dead one."""
    try:
        handle = os.open(
            toml.with_name(f".{toml.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
    except OSError as error:
        raise _unwritable(toml, error) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise TryLater(f"somebody else changes {toml} at this moment.", after_s=2) from error
    finally:
        os.close(handle)


@contextmanager
def kept(toml: Path, text: str) -> Iterator[None]:
    """Put the file back as it was when what is done meanwhile fails."""
    try:
        yield
    except BaseException:
        # The row could not be kept: neither is the change.
        if _read(toml) != text:
            _write(toml, text)
        raise


def _read(toml: Path) -> str:
    try:
        # Line ends stay as they are.
        with toml.open(encoding="utf-8", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorNeeded(f"{toml} cannot be read: {error}.", mend="Correct it.") from error


def _write(toml: Path, text: str) -> None:
    """Replace the file by a whole one, with the owner and the rights that it had."""
    toml = toml.resolve()  # a link stays a link
    old = toml.stat() if toml.exists() else None
    try:
        handle, part = tempfile.mkstemp(prefix=f".{toml.name}.", dir=toml.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                file.write(text)
                if old is not None:
                    os.fchmod(handle, old.st_mode & 0o777)
                    if old.st_uid != os.geteuid():
                        os.fchown(handle, old.st_uid, old.st_gid)
                file.flush()
                os.fsync(handle)
            Path(part).replace(toml)
        except BaseException:
            with suppress(FileNotFoundError):
                Path(part).unlink()
            raise
        folder = os.open(toml.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise _unwritable(toml, error) from error


def _unwritable(toml: Path, error: OSError) -> OperatorNeeded:
    return OperatorNeeded(
        f"{toml} cannot be written: {error.strerror}.",
        mend="Change it by hand where you have the right to.",
    )
