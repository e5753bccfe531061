"""Everything the studio needs on this machine: each line green, or one named mend."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from typing import Literal

from bookai.db.seal import exports
from bookai.errors import BookAIError
from bookai.llm.pool import EXTRACTIVE
from bookai.settings import Settings
from studio.channels.checks import examine_passports
from studio.commands.evidence import stands
from studio.database import make_home
from studio.evidence.copies import Copy, open_copies
from studio.keeping.checks import upkeep_rows
from studio.models.lineup import line_up
from studio.models.look import chains_of, look_around
from studio.models.opening import lent_providers
from studio.office import c2pa_table, now, open_office
from tools.base import CheckRow
from tools.ffmpeg.runner import find_ffmpeg, run_ffmpeg
from tools.provenance.chain import open_identity
from tools.provenance.config import read_config
from tools.render.typography import FAMILIES, SCRIPTS, Style, Typeface, missing_families
from tools.voices.base import installed_voices

SOON = timedelta(days=30)
FRESH_S = 20.0
"""So old may be what was found for somebody else."""
Level = Literal["ok", "note", "fail"]


@dataclass(frozen=True, slots=True)
class _Check:
    what: str
    look: Callable[[Settings], Awaitable[tuple[Level, str]]]


class Examiner:
    """Looks at everything once for all who ask meanwhile: it opens a database and runs programs."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._turn = asyncio.Lock()
        self._found: tuple[float, tuple[CheckRow, ...]] = (-inf, ())

    async def look(self) -> tuple[CheckRow, ...]:
        """Return what was found just now."""
        async with self._turn:
            if time.monotonic() - self._found[0] > FRESH_S:
                rows = await examine(self._settings)
                self._found = time.monotonic(), rows
            return self._found[1]


async def examine(settings: Settings) -> tuple[CheckRow, ...]:
    """Look at each thing in turn; one that breaks is a failure of its line alone."""
    return tuple([row async for row in _rows(settings)])


async def _rows(settings: Settings) -> AsyncIterator[CheckRow]:
    for check in _CHECKS:
        try:
            level, found = await check.look(settings)
        except BookAIError as error:
            level, found = "fail", str(error)
        yield CheckRow(level=level, what=check.what, found=found)
    async for row in upkeep_rows(settings):
        yield row


async def _home(settings: Settings) -> tuple[Level, str]:
    make_home(settings.home)
    return "ok", str(settings.home)


async def _postgres(settings: Settings) -> tuple[Level, str]:
    async with open_office(settings) as office:
        version = await office.database.pool.fetchval("SHOW server_version")
        server = office.database.server
        where = f"embedded ({server.origin})" if server else "from BOOKAI_DSN"
        return "ok", f"PostgreSQL {version}, {where}; the schema is up to date"


async def _ffmpeg(settings: Settings) -> tuple[Level, str]:
    binary = find_ffmpeg(settings.plugins)
    await run_ffmpeg(["-version"], binary=binary, timeout_s=10)
    return "ok", str(binary)


async def _voice(settings: Settings) -> tuple[Level, str]:
    channels = settings.channels
    name = (channels.get("default") or next(iter(channels.values()))).voice
    voice = installed_voices().get(name)
    if voice is None:
        return "fail", f"there is no voice {name!r}: set voice of the channel to another"
    spoken = await voice.speak(("One, two, three.",), "en", settings.plugins.get(name, {}))
    words = sum(len(one.tokens) for one in spoken)
    return "ok", f"{name} spoke {words} words; it speaks {len(voice.languages())} languages"


async def _fonts(_settings: Settings) -> tuple[Level, str]:
    missing = await asyncio.to_thread(missing_families)
    if missing:
        packages = " ".join(sorted(set(missing.values())))
        return "fail", f"no font for {', '.join(missing)} letters: pip install {packages}"
    width = await asyncio.to_thread(Typeface().width, "Żółć Привет مرحبا 日本", Style(60, 700))
    return "ok", f"{len(FAMILIES)} fonts set {', '.join(SCRIPTS)} ({width:.0f} px)"


async def _credentials(settings: Settings) -> tuple[Level, str]:
    config = read_config({"c2pa": c2pa_table(settings)})
    if not config.enabled:
        return "note", "videos are not signed: turned off in settings"
    make_home(settings.home)
    identity = await asyncio.to_thread(open_identity, config, now())
    ends = identity.leaf.not_valid_after_utc
    found = f"videos are signed by {identity.signer!r} until {ends:%Y-%m-%d}"
    if config.own:
        return "ok", f"{found}, the studio's own: platforms show it as untrusted"
    if ends - now() < SOON:
        return "note", f"{found}: renew it, or videos can no longer be made"
    return "ok", f"{found}, from {config.certificate_file}"


async def _writer(settings: Settings) -> tuple[Level, str]:
    async with lent_providers() as providers:
        lined = line_up(settings, providers)
        servers = await look_around(lined, providers)
    chain = next(one for one in chains_of(lined, servers) if one.content == "creative")
    for model in chain.models:
        if model.state in ("loaded", "ready") and model.ref != EXTRACTIVE.ref:
            return "ok", f"{model.ref} at {', '.join(model.servers)}"
    mends = dict.fromkeys(model.mend for model in chain.models if model.mend)
    return "note", f"the built-in extractive writer is used. To have a model: {'; '.join(mends)}"


async def _ports(settings: Settings) -> tuple[Level, str]:
    taken = []
    for name, port in (("MCP", settings.http_port), ("metrics", settings.metrics_port)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                taken.append(f"{port} ({name})")
    if taken:
        return "note", f"in use: {', '.join(taken)}; a running studio holds them, or choose others"
    return "ok", f"{settings.http_port} (MCP) and {settings.metrics_port} (metrics) are free"


async def _copies(settings: Settings) -> tuple[Level, str]:
    wanted = open_copies(settings)
    if not wanted:
        return "note", "no copy outside this machine: [[audit.exports]]"
    async with open_office(settings) as office:
        pool = office.database.pool
        rows = {row.name: row for row in await exports.list_(pool)}
        newest = await exports.newest(pool)
        since = {
            name: await exports.behind_since(pool, row.tree_size) for name, row in rows.items()
        }
    lines, level = [], "ok"
    for copy in wanted:
        row = rows.get(copy.name)
        late = is_late(copy, since.get(copy.name), now())
        if row is None or row.succeeded_at is None or row.failures or late:
            level = "fail"
        lines.append(f"{copy.name} ({copy.kind}) {stands(row, newest)}")
    found = "; ".join(lines)
    if level == "fail":
        return "fail", f"{found}. Try: bookai evidence push"
    return "ok", found


def is_late(copy: Copy, behind_since: datetime | None, at: datetime) -> bool:
    """Say whether a copy lacks what three intervals and a time-out should have brought."""
    allowed = timedelta(seconds=3 * copy.every_s + copy.timeout_s)
    return behind_since is not None and at - behind_since > allowed


_CHECKS = (
    _Check("home", _home),
    _Check("postgres", _postgres),
    _Check("ffmpeg", _ffmpeg),
    _Check("channels", examine_passports),
    _Check("voice", _voice),
    _Check("fonts", _fonts),
    _Check("credentials", _credentials),
    _Check("writer", _writer),
    _Check("ports", _ports),
    _Check("copies", _copies),
)
