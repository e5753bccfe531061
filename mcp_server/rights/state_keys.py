"""The keys that seal what a client carries between two rounds of one call.

All processes of a studio share them, so that any may go on where another asked. The first key
seals, every key opens; docs/how-to/serve-mcp-to-others.md tells how to change them.
"""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from bookai.errors import OperatorNeeded

KEY_BYTES = 32
_MOST = 8


def read_keys(text: str) -> tuple[bytes, ...]:
    """Return the keys of a text: hexadecimal, one a line or with commas between.

    Raises:
        OperatorNeeded: there is none, or one is too short or not hexadecimal. The key itself is in
            no message.
    """
    words = [word for word in text.replace(",", " ").split() if word]
    keys = []
    for number, word in enumerate(words, 1):
        with suppress(ValueError):
            keys.append(bytes.fromhex(word))
        if len(keys) < number or len(keys[-1]) < KEY_BYTES:
            raise OperatorNeeded(
                f"Key {number} of the MCP state keys is not hexadecimal of {KEY_BYTES} bytes.",
                mend="Make one: openssl rand -hex 32",
            )
    if not 0 < len(keys) <= _MOST:
        raise OperatorNeeded(
            f"There are {len(keys)} MCP state keys; there must be 1 to {_MOST}.",
            mend="Make one: openssl rand -hex 32",
        )
    return tuple(dict.fromkeys(keys))  # a line copied instead of moved is no second key


def open_keys(path: Path) -> tuple[bytes, ...]:
    """Read the keys of a file, which is made with one key on first use.

    Raises:
        OperatorNeeded: other users can read it, or it holds no keys.
    """
    if not path.exists():
        _create(path)
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise OperatorNeeded(
            f"other users can read the MCP state keys {path}.", mend=f"chmod 600 {path}"
        )
    return read_keys(path.read_text(encoding="ascii", errors="replace"))


def _create(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
        # A link, not a rename: of two processes that begin together one wins, and both use its key.
        with suppress(FileExistsError):
            os.link(fresh, path)
    finally:
        fresh.unlink()
