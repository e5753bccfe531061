"""Read a file for an upload, and know the SHA-256 of exactly what was handed over."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

BLOCK_BYTES = 1024 * 1024


class Streamed:
    """A file handed over piece by piece; `sha256` is that of the last time it was read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """The hash of what was handed over, in hex."""
        return self._digest.hexdigest()

    async def __call__(self) -> AsyncIterator[bytes]:
        """Read the file from its start."""
        self._digest = hashlib.sha256()
        with await asyncio.to_thread(self._path.open, "rb") as file:
            while block := await asyncio.to_thread(file.read, BLOCK_BYTES):
                self._digest.update(block)
                yield block
