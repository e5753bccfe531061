"""The body of an event: canonical JSON, the exact text that is stored and sealed.

Secrets are masked and long texts are replaced by their digest before it is written.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import PurePath

from bookai.errors import Refused
from bookai.models import Record

MAX_BODY_BYTES = 65536
MAX_TEXT = 2000
"""Longer texts keep their first 500 characters, their length and their SHA-256."""

_KEPT = 500
_MAX_DEPTH = 24
_MAX_INT = 2**53 - 1
_MASK = "***"
_KEY = re.compile(r"[\x20-\x7e]{1,128}")
_SECRET_KEY = re.compile(
    r"passw(or)?d|passphrase|secret|authori[sz]ation|api[_-]?key|private[_-]?key|credential|cookie"
    r"|(^|[_-])(dsn|pwd)$|token$",
    re.IGNORECASE,
)
_SECRET_TEXT = (
    (re.compile(r"\b(postgres(?:ql)?://[^\s:/@]*):\S+@", re.IGNORECASE), rf"\1:{_MASK}@"),
    (re.compile(r"\b([a-z][a-z0-9+.-]*://[^\s:/@]*):[^\s/]+@", re.IGNORECASE), rf"\1:{_MASK}@"),
    (re.compile(r"\b(authorization\s*[:=]\s*)[^\r\n]+", re.IGNORECASE), rf"\1{_MASK}"),
    (re.compile(r"\b([Bb]earer\s+)[\w.~+/=-]{3,}"), rf"\1{_MASK}"),
    (
        re.compile(
            r"((?:password|passwd|pwd|secret|api[_-]?key|token)"
            r"(?:\s*=\s*['\"]?|['\"]\s*:\s*['\"]))[^\s'\"&;,]+",
            re.IGNORECASE,
        ),
        rf"\1{_MASK}",
    ),
    (re.compile(r"\b(bka_|sk-|gh[pousr]_|xox[abpr]-)[\w-]{16,}"), rf"\1{_MASK}"),
)


def canonical(body: Mapping[str, object]) -> str:
    """Return `body` as the one JSON text that stands for it (RFC 8785), secrets masked.

    Raises:
        Refused: it has a key that is not ASCII, a value without a JSON form, or it is too long.
    """
    text = json.dumps(scrub(body), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    size_bytes = len(text.encode())
    if size_bytes > MAX_BODY_BYTES:
        raise Refused(
            f"an audit event may have {MAX_BODY_BYTES} bytes, this has {size_bytes}: "
            "write a count or a digest instead of a long list"
        )
    return text


def scrub(value: object, *, _depth: int = 0) -> object:
    """Return `value` as plain JSON data without secrets, floats and over-long texts.

    Floats and integers that JSON readers round become texts: what is hashed must read the same
    everywhere.

    Raises:
        Refused: a key is not printable ASCII, or a value has no JSON form.
    """
    if _depth > _MAX_DEPTH:
        raise Refused(f"audit data may be nested {_MAX_DEPTH} deep, not deeper")
    match value:
        case None | bool():
            return value
        case int():
            return int(value) if abs(value) <= _MAX_INT else str(int(value))
        case float():
            return repr(float(value))
        case str() | PurePath():
            return _short(clean(str(value)))
        case datetime():
            return (value.astimezone(UTC) if value.tzinfo else value).isoformat()
        case Record():
            return scrub(value.model_dump(mode="json"), _depth=_depth)
        case Mapping():
            return {_key(key): _unless_secret(key, item, _depth) for key, item in value.items()}
        case list() | tuple():
            return [scrub(item, _depth=_depth + 1) for item in value]
    raise Refused(f"a {type(value).__name__} has no place in an audit event: make it text first")


def clean(text: str) -> str:
    """Return `text` with NUL and halves of surrogate pairs replaced: Postgres takes neither."""
    if "\0" in text:
        text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _key(key: object) -> str:
    if not (isinstance(key, str) and _KEY.fullmatch(key)):
        raise Refused(f"{str(key)[:80]!r} is no key for an audit event: use printable ASCII")
    return key


def _unless_secret(key: str, value: object, depth: int) -> object:
    if _SECRET_KEY.search(key) and value is not None and not isinstance(value, bool):
        return _MASK
    return scrub(value, _depth=depth + 1)


def _short(text: str) -> str:
    head = text[:MAX_TEXT]
    for pattern, masked in _SECRET_TEXT:
        head = pattern.sub(masked, head)
    if len(text) <= MAX_TEXT:
        return head
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"{head[:_KEPT]}… ({len(text)} characters, sha256 {digest})"
