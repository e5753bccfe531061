"""From a path or a URL to a `Material`: the same for every kind of source."""

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bookai.errors import Refused
from tools.base import Fetch
from tools.sources.base import Clue, Material
from tools.sources.intake.files import HEAD_BYTES, read_path

_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://")


def is_url(source: str) -> bool:
    """Tell whether a source has a scheme; everything else is a path."""
    return bool(_SCHEME.match(source.strip()))


async def open_source(
    source: str,
    *,
    fetch: Fetch,
    home: Path,
    accept: str,
    limit_of: Callable[[Clue], int],
) -> Material:
    """Fetch a URL or read a file; `limit_of` says how large a file may be, in bytes.

    Raises:
        Refused, TryLater: as the gate to the network and the gate to the disk say.
    """
    source = source.strip()
    if not source:
        raise Refused("no source was given. Give a path or a URL.")
    now = datetime.now(UTC)
    if not is_url(source):
        opened = await asyncio.to_thread(read_path, source, home, limit_of)
        return Material(
            clue=opened.clue,
            where=opened.where,
            url="",
            charset="",
            body=opened.body,
            fetched_at=now,
        )
    fetched = await fetch(source, accept=accept)
    kind, charset = _content_type(fetched.content_type)
    parts = urlsplit(fetched.url)
    material = Material(
        clue=Clue(
            name=unquote(parts.path.rstrip("/").rpartition("/")[2]),
            content_type=kind,
            head=fetched.body[:HEAD_BYTES],
        ),
        where=f"{parts.scheme}://{parts.netloc}{parts.path}"[:300],
        url=fetched.url,
        charset=charset,
        body=fetched.body,
        fetched_at=now,
    )
    if not material.body.strip():
        raise Refused(f"{material.where} is empty.")
    return material


def _content_type(header: str) -> tuple[str, str]:
    kind, _, parameters = header.partition(";")
    found = re.search(r"charset\s*=\s*\"?([A-Za-z0-9_:.-]{1,40})", parameters, re.I)
    return kind.strip().lower(), found.group(1) if found else ""
