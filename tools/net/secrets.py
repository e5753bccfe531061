"""Secrets by reference: studio.toml names a file or an environment variable, never the secret."""

import os
from pathlib import Path

from bookai.channels.credentials import from_environment, from_file, read_credential
from bookai.errors import OperatorNeeded


def read_secret(what: str, file: str, env: str, reference: str = "") -> str:
    """Return the secret that `reference` leads to, else `file`, else the variable `env`.

    `what` is its name in a message, such as "[plugins.bluesky] password".

    Raises:
        OperatorNeeded: none is named, it is not there, empty, or others may read or change it.
    """
    if reference:
        return read_credential(what, reference)
    if file:
        return from_file(what, Path(file))
    if env:
        return from_environment(what, env, os.environ)
    raise OperatorNeeded(
        f"{what}: no file and no environment variable is named.",
        mend=f"Set {what.rpartition(' ')[2]}_file or {what.rpartition(' ')[2]}_env in studio.toml.",
    )
