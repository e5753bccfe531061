"""The body of an event: canonical JSON, the exact text that is stored and sealed.

Secrets are masked and long texts are replaced by their digest before it is written.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
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
_MAX_KEY = 128
_KEY = re.compile(r"[\x20-\x7e]+")
_SECRET_KEY = re.compile(
    r"passw(or)?d|passphrase|secret|authori[sz]ation|api[_-]?key|private[_-]?key|credential|cookie"
    r"|(^|[_-])(dsn|pwd)$|token$",
    re.IGNORECASE,
)
_URL = re.compile(r"\b([a-z][a-z0-9+.-]*://[^\s:/@]*):[^\s/]+@", re.IGNORECASE)
_NAMED = re.compile(
    r"((?:password|passwd|pwd|secret|api[_-]?key|token)"
    r"(?:\s*=\s*['\"]?|['\"]\s*:\s*['\"]))[^\s'\"&;,]+",
    re.IGNORECASE,
)
_PREFIXED = re.compile(r"\b(bka_|sk-|gh[pousr]_|xox[abpr]-)[\w-]{16,}")
# Each pattern behind what a text must contain, in lower case, to be worth the search.
_SECRET_TEXT = (
    (
        "postgres",
        re.compile(r"\b(postgres(?:ql)?://[^\s:/@]*):\S+@", re.IGNORECASE),
        rf"\1:{_MASK}@",
    ),
    ("@", _URL, rf"\1:{_MASK}@"),
    (
        "authorization",
        re.compile(r"\b(authorization\s*[:=]\s*)[^\r\n]+", re.IGNORECASE),
        rf"\1{_MASK}",
    ),
    ("bearer", re.compile(r"\b([Bb]earer\s+)[\w.~+/=-]{3,}"), rf"\1{_MASK}"),
    *((sign, _NAMED, rf"\1{_MASK}") for sign in ("passw", "pwd", "secret", "api", "token")),
    *((sign, _PREFIXED, rf"\1{_MASK}") for sign in ("bka_", "sk-", "gh", "xox")),
)

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def canonical(body: Mapping[str, object]) -> str:
    """Return `body` as the one JSON text that stands for it (RFC 8785), secrets masked.

    Raises:
        Refused: it has a key that is not ASCII, a value without a JSON form, or it is too long.
    """
    text = _ENCODER.encode(scrub(body))
    size_bytes = len(text) if text.isascii() else len(text.encode())
    if size_bytes > MAX_BODY_BYTES:
        raise Refused(
            f"an audit event may have {MAX_BODY_BYTES} bytes, this has {size_bytes}: "
            "write a count or a digest instead of a long list"
        )
    return text


def scrub(value: object) -> object:
    """Return `value` as plain JSON data without secrets, floats and over-long texts.

    Floats and integers that JSON readers round become texts: what is hashed must read the same
    everywhere.

    Raises:
        Refused: a key is not printable ASCII, or a value has no JSON form.
    """
    return _scrub(value, 0)


def _scrub(value: object, depth: int) -> object:
    if depth > _MAX_DEPTH:
        raise Refused(f"audit data may be nested {_MAX_DEPTH} deep, not deeper")
    # The common ones first: traces of tools come here thousands of times a second.
    match value:
        case str():
            return _short(clean(value))
        case None | bool():
            return value
        case int():
            return int(value) if abs(value) <= _MAX_INT else str(int(value))
        case dict() | Mapping():
            return {
                key: _MASK if _is_secret(key) and _can_tell(item) else _scrub(item, depth + 1)
                for key, item in value.items()
            }
        case list() | tuple():
            return [_scrub(item, depth + 1) for item in value]
        case Record():
            return _scrub(value.model_dump(mode="json"), depth)
    return _plain(value)


def _plain(value: object) -> str:
    match value:
        case float():
            return repr(float(value))
        case PurePath():
            return _short(clean(str(value)))
        case datetime():
            return (value.astimezone(UTC) if value.tzinfo else value).isoformat()
    raise Refused(f"a {type(value).__name__} has no place in an audit event: make it text first")


def clean(text: str) -> str:
    """Return `text` with NUL and halves of surrogate pairs replaced: Postgres takes neither."""
    if "\0" in text:
        text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _can_tell(value: object) -> bool:
    """Tell whether a value under a secret's name could be the secret."""
    return value is not None and not isinstance(value, bool)


def _is_secret(key: object) -> bool:
    """Tell whether a key is a secret's name; refuse what is no key."""
    if isinstance(key, str) and len(key) <= _MAX_KEY:
        verdict = _judge(key)
        if verdict is not None:
            return verdict
    raise Refused(f"{str(key)[:80]!r} is no key for an audit event: use printable ASCII")


@lru_cache(2048)
def _judge(key: str) -> bool | None:
    """Say whether this key names a secret, None when it is no key; the same few come again."""
    return bool(_SECRET_KEY.search(key)) if _KEY.fullmatch(key) else None


def _short(text: str) -> str:
    head = text[:MAX_TEXT]
    lower = head.lower()
    for sign, pattern, masked in _SECRET_TEXT:
        if sign in lower:
            head = pattern.sub(masked, head)
    if len(text) <= MAX_TEXT:
        return head
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"{head[:_KEPT]}… ({len(text)} characters, sha256 {digest})"
