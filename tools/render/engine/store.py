"""Scenes that are already encoded, by the digest of everything that their pictures depend on."""

import hashlib
import importlib.metadata
import json
import os
import struct
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from tools.render.engine.coder import Segment

MAGIC = b"bookai-scene-1\n"
SUFFIX = ".scene"
# Whose release may change a picture or its bytes.
LIBRARIES = (
    "av",
    "budoux",
    "fontpkg-montserrat",
    "fontpkg-noto-sans",
    "justmytype-intl-cjk",
    "justmytype-intl-rtl",
    "justmytype-intl-sea",
    "justmytype-intl-south-asia",
    "numpy",
    "pillow",
)


class Store:
    """A folder of the scenes of a film that is finished, and one for those of the film in work.

    `kept` None keeps nothing. What is new moves over in `settle` only: a film that is broken off
    leaves nothing behind. Files are whole or not there at all.
    """

    def __init__(self, kept: Path | None, fresh: Path) -> None:
        self._kept, self._fresh = kept, fresh
        self._used: set[str] = set()

    def get(self, key: str) -> Segment | None:
        """Return the scene of a key; a file that is not whole is none."""
        self._used.add(key)
        if self._kept is None:
            return None
        for folder in (self._kept, self._fresh):
            try:
                whole = (folder / f"{key}{SUFFIX}").read_bytes()
            except OSError:
                continue
            if (segment := _read(whole)) is not None:
                return segment
        return None

    def put(self, key: str, segment: Segment) -> None:
        """Keep a scene for `settle`.

        Raises:
            OSError: it cannot be written; a full disk has errno ENOSPC.
        """
        if self._kept is not None:
            self._fresh.mkdir(parents=True, exist_ok=True)
            (self._fresh / f"{key}{SUFFIX}").write_bytes(_written(segment))

    def settle(self) -> None:
        """Keep what this film used, and nothing else: the folder holds one film's scenes.

        Raises:
            OSError: a file cannot be moved or removed.
        """
        if self._kept is None:
            return
        self._kept.mkdir(parents=True, exist_ok=True)
        for path in self._fresh.glob(f"*{SUFFIX}"):
            os.replace(path, self._kept / path.name)
        for path in self._kept.iterdir():
            if path.stem not in self._used or path.suffix != SUFFIX:
                path.unlink(missing_ok=True)


def key_of(facts: Mapping[str, Any]) -> str:
    """Return the digest of a scene's facts, of our own code and of the libraries' releases."""
    text = json.dumps(
        {**facts, "code": _code(), "libraries": _releases()},
        sort_keys=True,
        separators=(",", ":"),
        default=str,
    )
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def digest_of(path: str) -> str:
    """Return the digest of a file's content; "" where there is none."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest() if path else ""


def _written(segment: Segment) -> bytes:
    sizes = [len(unit) for unit in segment.units]
    body = struct.pack(f"<II{len(sizes)}I", len(sizes), segment.coded, *sizes)
    body += b"".join(segment.units)
    return MAGIC + hashlib.sha256(body).digest() + body


def _read(whole: bytes) -> Segment | None:
    head = len(MAGIC) + 32
    body = whole[head:]
    if whole[: len(MAGIC)] != MAGIC or hashlib.sha256(body).digest() != whole[len(MAGIC) : head]:
        return None
    count, coded = struct.unpack_from("<II", body)
    sizes = struct.unpack_from(f"<{count}I", body, 8)
    units, at = [], 8 + 4 * count
    for size in sizes:
        units.append(body[at : at + size])
        at += size
    return Segment(tuple(units), coded)


@cache
def _code() -> str:
    """Return the digest of the renderer's own files."""
    digest = hashlib.sha256()
    root = Path(__file__).resolve().parents[2]
    files = [
        path
        for folder in ("render", "media")
        for kind in ("*.py", "*.toml")
        for path in (root / folder).rglob(kind)
    ]
    for path in sorted(files):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


@cache
def _releases() -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in LIBRARIES}
