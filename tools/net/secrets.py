"""Secrets by reference: studio.toml names a file or an environment variable, never the secret."""

import os
import stat
from pathlib import Path

from bookai.errors import OperatorNeeded

MAX_BYTES = 16_384


def read_secret(what: str, file: str, env: str) -> str:
    """Return the secret that is in `file`, else in the environment variable `env`.

    `what` is its name in a message, such as "[plugins.bluesky] password".

    Raises:
        OperatorNeeded: neither is named, it is not there, empty, or everybody may read it.
    """
    if file:
        return _from_file(what, Path(file).expanduser())
    if env:
        found = os.environ.get(env, "").strip()
        if not found:
            raise OperatorNeeded(
                f"{what}: the environment variable {env!r} is empty.", mend="Set it, then retry."
            )
        return found
    raise OperatorNeeded(
        f"{what}: no file and no environment variable is named.",
        mend=f"Set {what.rpartition(' ')[2]}_file or {what.rpartition(' ')[2]}_env in studio.toml.",
    )


def _from_file(what: str, path: Path) -> str:
    try:
        mode = path.stat().st_mode
        with path.open("rb") as opened:
            raw = opened.read(MAX_BYTES + 1)
        text = raw.decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is no text"
        raise OperatorNeeded(
            f"{what}: {path} cannot be read: {said}.", mend="Correct it."
        ) from None
    if mode & stat.S_IROTH:
        raise OperatorNeeded(
            f"{what}: everybody on this machine may read {path}.", mend=f"Run: chmod 600 {path}"
        )
    if not text or len(raw) > MAX_BYTES:
        raise OperatorNeeded(f"{what}: {path} is empty or no secret.", mend="Write it there.")
    return text
