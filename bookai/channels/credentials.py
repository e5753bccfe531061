"""Secrets by reference: settings say where a secret is, and only this file goes and reads it."""

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from bookai.errors import OperatorNeeded

REFERENCE = r"^(credential:[A-Za-z0-9_.-]{1,100}|env:[A-Z][A-Z0-9_]{0,99}|file:.{1,490})$"
"""`credential:NAME` (systemd's LoadCredential=), `env:NAME`, or `file:PATH`."""

MAX_BYTES = 16_384
FOLDER = "CREDENTIALS_DIRECTORY"
OTHERS = stat.S_IRGRP | stat.S_IWGRP | stat.S_IROTH | stat.S_IWOTH


def read_credential(what: str, reference: str, environment: Mapping[str, str] | None = None) -> str:
    """Return the secret that a reference leads to, without the space around it.

    `what` is its name in a message, such as "channels.news.credentials". Neither the secret nor a
    reference that is none stands in a message: somebody may have written the secret itself there.

    Raises:
        OperatorNeeded: it is no reference, leads nowhere, is empty, or others can read the file.
    """
    env = os.environ if environment is None else environment
    if not re.match(REFERENCE, reference):
        raise OperatorNeeded(
            f"{what} is no reference to a secret.",
            mend="Write where the secret is: credential:NAME, env:NAME or file:PATH.",
        )
    kind, _, name = reference.partition(":")
    match kind:
        case "env":
            return from_environment(what, name, env)
        case "credential":
            return _from_systemd(what, name, env)
        case _:
            return from_file(what, Path(name), env)


def from_environment(what: str, name: str, env: Mapping[str, str]) -> str:
    """Return the secret in an environment variable.

    Raises:
        OperatorNeeded: it is empty.
    """
    found = env.get(name, "").strip()
    if not found:
        raise OperatorNeeded(
            f"{what}: the environment variable {name!r} is empty.", mend="Set it, then retry."
        )
    return found


def _from_systemd(what: str, name: str, env: Mapping[str, str]) -> str:
    folder = env.get(FOLDER)
    if name in (".", ".."):
        raise OperatorNeeded(f"{what}: {name!r} is no name.", mend="Name a credential.")
    if not folder:
        raise OperatorNeeded(
            f"{what}: credential {name!r} is lent by systemd, which did not start this process.",
            mend="Start it as a service with LoadCredential=, or write file:PATH instead.",
        )
    path = Path(folder) / name
    if not path.is_file():
        raise OperatorNeeded(
            f"{what}: systemd lent no credential {name!r}.",
            mend=f"Add to the service: LoadCredential={name}:/path/to/the/secret",
        )
    return from_file(what, path, env)


def from_file(what: str, path: Path, environment: Mapping[str, str] | None = None) -> str:
    """Return the secret in a file that is ours, or root's, and that nobody else may read or write.

    What systemd lends may be readable by its group: that is how it grants a service its access.

    Raises:
        OperatorNeeded: it cannot be read, is empty or no text, or others may read or change it.
    """
    path = path.expanduser()
    try:
        # Non-blocking: a named pipe in its place must not hold us up.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as opened:
            found = os.fstat(handle)
            raw = opened.read(MAX_BYTES + 1) if stat.S_ISREG(found.st_mode) else b""
        text = raw.decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is no text"
        raise OperatorNeeded(
            f"{what}: {path} cannot be read: {said}.", mend="Correct it."
        ) from None
    lent = (os.environ if environment is None else environment).get(FOLDER)
    is_lent = bool(lent) and path.parent.resolve() == Path(str(lent)).resolve()
    others = OTHERS & ~stat.S_IRGRP if is_lent else OTHERS
    if found.st_mode & others:
        raise OperatorNeeded(
            f"{what}: others on this machine may read or change {path}.",
            mend=f"Run: chmod 600 {path}",
        )
    if found.st_uid not in (os.geteuid(), 0):
        raise OperatorNeeded(
            f"{what}: {path} belongs to somebody else, who could change it.",
            mend=f"Run: chown {os.geteuid()} {path}",
        )
    if not text or len(raw) > MAX_BYTES:
        raise OperatorNeeded(f"{what}: {path} is empty or no secret.", mend="Write it there.")
    return text
