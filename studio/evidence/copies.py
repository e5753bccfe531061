"""Bring the newest checkpoint to every place outside, each in its own rhythm.

A place that is slow or away is tried again, later each time; it never holds up the sealer or
another place. What changes, works or no longer works, goes into the audit log.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from pydantic import ValidationError

import studio.evidence
from bookai.db.pool import Pool
from bookai.db.seal import exports
from bookai.db.seal.exports import CopyRow, Failure, SignedNote
from bookai.errors import BookAIError, OperatorNeeded
from bookai.metrics import EVIDENCE_BEHIND, EVIDENCE_ERRORS, EVIDENCE_SUCCESS
from bookai.plugins import load_plugins
from bookai.settings import ExportSettings, Settings
from studio.evidence.base import Divergence, Kind, Place, Setting

logger = logging.getLogger(__name__)

AT_ONCE = 3
"""Places pushed to at one time: each holds a connection of the pool while it takes."""

LONGEST_WAIT_S = 3600.0


@dataclass(frozen=True, slots=True)
class Copy:
    """A place with its rhythm."""

    name: str
    kind: str
    every_s: float
    timeout_s: float
    place: Place


def open_copies(settings: Settings) -> tuple[Copy, ...]:
    """Build what `[[audit.exports]]` names; nothing is reached yet.

    Raises:
        OperatorNeeded: a kind is unknown, a name stands twice, a value is not understood.
    """
    wanted = settings.audit.exports
    if not wanted:
        return ()
    kinds = load_plugins(studio.evidence, "KIND", Kind, besides=("base", "copies"))
    names = [one.name for one in wanted]
    for name in names:
        if names.count(name) > 1:
            raise OperatorNeeded(
                f"two [[audit.exports]] are called {name!r}.", mend="Give each its own name."
            )
    return tuple(_open(one, kinds.get(one.kind), settings, sorted(kinds)) for one in wanted)


def _open(one: ExportSettings, kind: Kind | None, settings: Settings, known: list[str]) -> Copy:
    where = f"[[audit.exports]] {one.name!r}"
    if kind is None:
        raise OperatorNeeded(
            f"{where} is of kind {one.kind!r}.", mend=f"Known kinds: {', '.join(known)}."
        )
    if one.every_s < kind.shortest_s:
        raise OperatorNeeded(
            f"{where} has every_s = {one.every_s:g}.",
            mend=f"A copy of kind {kind.name!r} takes {kind.shortest_s:g} or more: the newest "
            "checkpoint covers all before it.",
        )
    try:
        config = kind.config.model_validate(one.model_extra or {})
    except ValidationError as error:
        # Never the value: an operator may have written a secret there.
        wrong = "; ".join(
            f"{'.'.join(map(str, each['loc'])) or kind.name}: "
            + each["msg"].removeprefix("Value error, ")
            for each in error.errors(include_input=False, include_url=False)
        )
        raise OperatorNeeded(
            f"{where}: {wrong}.", mend="Correct it in studio.toml; see docs/reference/settings.md."
        ) from None
    setting = Setting(one.name, settings.audit_dir / "copies" / one.name, one.timeout_s)
    return Copy(one.name, kind.name, one.every_s, one.timeout_s, kind.open(config, setting))


async def push_due(
    pool: Pool,
    copies: Sequence[Copy],
    now: datetime,
    *,
    at_once: bool = False,
    turn: asyncio.Semaphore | None = None,
) -> tuple[CopyRow, ...]:
    """Push to every place whose time has come, `at_once` to all; return how all stand now.

    Callers that push side by side share one `turn` of AT_ONCE.
    """
    turn = turn or asyncio.Semaphore(AT_ONCE)
    known = {row.name: row for row in await exports.list_(pool)}
    newest = await exports.newest(pool)
    if newest is not None:
        async with asyncio.TaskGroup() as group:
            for copy in copies:
                row = known.get(copy.name)
                if at_once or _is_due(row, newest, now):
                    group.create_task(_push(pool, copy, newest, now, turn))
    names = {copy.name for copy in copies}
    rows = tuple(row for row in await exports.list_(pool) if row.name in names)
    for row in rows:
        size = newest.tree_size if newest else 0
        EVIDENCE_BEHIND.labels(row.name).set(max(0, size - row.tree_size))
        if row.succeeded_at:
            EVIDENCE_SUCCESS.labels(row.name).set(row.succeeded_at.timestamp())
    return rows


def _is_due(row: CopyRow | None, newest: SignedNote, now: datetime) -> bool:
    """Say whether to push; with nothing new there is nothing to bring."""
    if row is None:
        return True
    return row.next_at <= now and (row.failures > 0 or row.tree_size != newest.tree_size)


async def _push(
    pool: Pool, copy: Copy, newest: SignedNote, now: datetime, turn: asyncio.Semaphore
) -> None:
    async with turn, exports.hold(pool, copy.name) as held:
        if not held:
            return
        row = next((one for one in await exports.list_(pool) if one.name == copy.name), None)
        try:
            if row and row.tree_size > newest.tree_size:
                raise Divergence(
                    f"copy {copy.name!r} covers {row.tree_size} events, the database only "
                    f"{newest.tree_size}: checkpoints were removed.",
                    mend="Look with `bookai audit verify`.",
                )
            async with asyncio.timeout(copy.timeout_s):
                await copy.place.push(newest, partial(exports.note_over, pool))
        except TimeoutError:
            late = Failure(f"it took longer than {copy.timeout_s:g} s")
            await _failed(pool, copy, row, late, now)
        except BookAIError as error:
            failure = Failure(str(error), diverged=isinstance(error, Divergence))
            await _failed(pool, copy, row, failure, now)
        except Exception as error:  # one wrong place must not end the studio
            logger.exception("The copy %s broke", copy.name, extra={"action": "evidence_broke"})
            broke = Failure(f"it broke ({type(error).__name__}); the program's own log says where")
            await _failed(pool, copy, row, broke, now)
        else:
            next_at = now + timedelta(seconds=copy.every_s)
            await exports.note_success(pool, copy.name, copy.kind, newest.tree_size, now, next_at)


async def _failed(
    pool: Pool, copy: Copy, row: CopyRow | None, failure: Failure, now: datetime
) -> None:
    failures = row.failures if row else 0
    wait_s = min(copy.every_s * 2 ** min(failures, 10), max(LONGEST_WAIT_S, copy.every_s))
    is_news = await exports.note_failure(
        pool, copy.name, copy.kind, failure, now, now + timedelta(seconds=wait_s)
    )
    EVIDENCE_ERRORS.labels(copy.name).inc()
    if is_news:
        logger.error(
            "No copy of the audit checkpoints reaches %s: %s",
            copy.name,
            failure.why,
            extra={"action": "evidence_failed", "copy": copy.name},
        )
