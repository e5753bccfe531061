"""Names in the AT protocol: record keys and content identifiers."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta

_SORTABLE = "234567abcdefghijklmnopqrstuvwxyz"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# CIDv1, raw bytes, SHA-256 of 32 bytes: what a blob is named by.
_BLOB = bytes((0x01, 0x55, 0x12, 0x20))


def record_key(key: str, at: datetime) -> str:
    """Return the record key (TID) of one outbox key and time, the same whenever it is asked for.

    Two attempts at one post write the same record, so there is never a second one.
    """
    micros = (at - _EPOCH) // timedelta(microseconds=1)
    clock = int.from_bytes(hashlib.sha256(key.encode()).digest()[:2], "big") & 1023
    number = (micros << 10) | clock
    return "".join(_SORTABLE[(number >> (5 * place)) & 31] for place in reversed(range(13)))


def blob_cid(sha256: str) -> str:
    """Return the identifier under which a server must store bytes with this SHA-256 (hex)."""
    packed = base64.b32encode(_BLOB + bytes.fromhex(sha256)).decode()
    return "b" + packed.rstrip("=").lower()
