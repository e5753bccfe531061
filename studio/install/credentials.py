"""Secrets from systemd: a file of `$CREDENTIALS_DIRECTORY` stands for a variable of its name.

Only this process sees it: no unit file, no `systemctl show` and no /proc/PID/environ tells it.
"""

import logging
import re
from collections.abc import MutableMapping
from pathlib import Path

from bookai.errors import OperatorNeeded

logger = logging.getLogger(__name__)

MAX_BYTES = 16_384
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{1,99}")


def take_credentials(environment: MutableMapping[str, str]) -> tuple[str, ...]:
    """Set each variable that is not set and has a credential of its name; return their names.

    One of several lines, such as a key, is left as the file that it is: for credential:NAME.

    Raises:
        OperatorNeeded: a credential is empty, no text, or cannot be read.
    """
    folder = environment.get("CREDENTIALS_DIRECTORY")
    if not folder:
        return ()
    taken = []
    for path in sorted(Path(folder).glob("*")):
        if _VARIABLE.fullmatch(path.name) and not environment.get(path.name):
            text = _read(path)
            if "\n" in text:
                logger.warning("The credential %s has several lines: no variable", path.name)
                continue
            environment[path.name] = text
            taken.append(path.name)
    return tuple(taken)


def _read(path: Path) -> str:
    try:
        raw = path.read_bytes()
        text = raw.decode().strip()
    except (OSError, UnicodeDecodeError):
        raw, text = b"", ""
    if not text or len(raw) > MAX_BYTES or "\0" in text:
        raise OperatorNeeded(
            f"the credential {path.name!r} is empty, too long, or cannot be read.",
            mend=f"Write it anew: /etc/credstore/bookai.{path.name}, then restart the unit.",
        )
    return text
