"""Which files of a home belong into a backup, and which are made anew."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bookai.settings import Settings
from studio.database import RESTORING
from studio.keeping.folders import GONE
from tools.render_video import SCENES

BACKUPS = "backups"

_ANEW_AT_TOP = frozenset({"postgres", BACKUPS, RESTORING, ".writable"})
_ANEW = frozenset({SCENES})
_ANEW_BEGIN = (GONE, ".render-", ".voice-", ".bookai-")
_MEDIA = frozenset({"work", "gallery"})


@dataclass(slots=True)
class Chosen:
    """Files to copy, below the home: small ones first, then the media; and what is left out."""

    small: list[Path] = field(default_factory=list)
    media: list[Path] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    media_bytes: int = 0


def choose(settings: Settings, into: Path, *, with_media: bool) -> Chosen:
    """Walk through the home; links and devices are not followed, and named."""
    chosen = Chosen(left_out=_elsewhere(settings))
    for path in _walk(settings.home, settings.home, into.resolve(), chosen):
        top = path.relative_to(settings.home).parts[0]
        if top in _MEDIA:
            if with_media:
                chosen.media.append(path)
                chosen.media_bytes += path.lstat().st_size
        else:
            chosen.small.append(path)
    if not with_media:
        chosen.left_out.append("work and gallery: --no-media")
    return chosen


def _walk(home: Path, folder: Path, into: Path, chosen: Chosen) -> Iterator[Path]:
    for entry in sorted(os.scandir(folder), key=lambda found: found.name):
        path = Path(entry.path)
        if _is_made_anew(home, path) or path.resolve() == into:
            continue
        try:
            mode = entry.stat(follow_symlinks=False).st_mode
        except FileNotFoundError:
            continue  # a job's scratch file, gone meanwhile
        if stat.S_ISDIR(mode):
            yield from _walk(home, path, into, chosen)
        elif stat.S_ISREG(mode):
            yield path
        elif stat.S_ISLNK(mode):
            chosen.left_out.append(f"{path.relative_to(home)}: a link")


def _is_made_anew(home: Path, path: Path) -> bool:
    at_top = path.parent == home and path.name in _ANEW_AT_TOP
    return (
        at_top
        or path.name in _ANEW
        or path.name.startswith(_ANEW_BEGIN)
        or path.suffix in (".lock", ".part")
    )


def _elsewhere(settings: Settings) -> list[str]:
    """Name the files that the settings need and that do not lie in the home."""
    named = {
        f"channel {name}": channel.credentials.removeprefix("file:")
        for name, channel in settings.channels.items()
        if channel.credentials and channel.credentials.startswith("file:")
    }
    named["mcp.state_keys_file"] = str(settings.state_keys_path)
    return [
        f"{path}: outside the home ({what})"
        for what, path in sorted(named.items())
        if not Path(path).expanduser().is_relative_to(settings.home)
    ]
