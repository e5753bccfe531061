"""Take a response's body in small pieces, unpack it, and never hold more than the limit."""

import zlib
from collections.abc import AsyncIterator

from bookai.errors import Refused, TryLater

_GZIP = 16 + zlib.MAX_WBITS
_PLAIN = ("", "identity")


async def read_capped(
    chunks: AsyncIterator[bytes], encoding: str, limit: int, *, where: str
) -> bytes:
    """Return the unpacked body; `limit` counts bytes both before and after unpacking.

    We unpack ourselves because the HTTP library unpacks a whole piece before anybody can count:
    64 kB of gzip can hold 64 MB.

    Raises:
        Refused: the body is larger than `limit`, or packed in a way we did not ask for.
        TryLater: the packed body broke off.
    """
    unpack = _unpacker(encoding.strip().lower(), where)
    body = bytearray()
    received = 0
    async for chunk in chunks:
        received += len(chunk)
        if received > limit:
            raise too_large(where, limit)
        try:
            body += unpack(chunk, limit + 1 - len(body)) if unpack else chunk
        except zlib.error as error:
            raise Refused(f"{where} sent a body that cannot be unpacked ({error}).") from error
        if len(body) > limit:
            raise too_large(where, limit)
    if unpack and received and not unpack.ended:
        raise TryLater(f"{where} broke off in the middle of its answer.")
    return bytes(body)


def too_large(where: str, limit: int, size: int | None = None) -> Refused:
    """Return the error that names the limit, and the size where the server told it."""
    told = f"{size / 1_048_576:.1f} MiB" if size else "more"
    return Refused(
        f"{where} is too large: {told}, and the limit is {limit / 1_048_576:g} MiB. "
        "Save the part you want as a file and give its path."
    )


class _Unpacker:
    """Undo gzip or deflate piece by piece; `ended` tells whether the packed data was complete."""

    def __init__(self, wbits: int) -> None:
        self._wbits = wbits
        self._stream = zlib.decompressobj(wbits)
        self._fresh = True
        self.ended = False

    def __call__(self, chunk: bytes, room: int) -> bytes:
        try:
            out = self._stream.decompress(chunk, room)
        except zlib.error:
            # Some servers send raw deflate where the standard says zlib; only the start tells.
            if not self._fresh or self._wbits != zlib.MAX_WBITS:
                raise
            self._stream = zlib.decompressobj(-zlib.MAX_WBITS)
            out = self._stream.decompress(chunk, room)
        self._fresh = False
        self.ended = self._stream.eof
        return out


def _unpacker(encoding: str, where: str) -> _Unpacker | None:
    if encoding in _PLAIN:
        return None
    if encoding in ("gzip", "x-gzip"):
        return _Unpacker(_GZIP)
    if encoding == "deflate":
        return _Unpacker(zlib.MAX_WBITS)
    raise Refused(
        f"{where} sent a body packed as {encoding[:40]!r}, which the studio did not ask for."
    )
