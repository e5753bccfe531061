"""The [plugins.c2pa] table: whether videos are signed, and with whose certificate."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import ValidationError

from bookai.errors import OperatorNeeded
from bookai.models import Record

GUIDE = "See docs/how-to/sign-with-your-own-certificate.md."


class Config(Record):
    """What an operator chooses; `folder` is where the studio keeps its own certificate.

    `training` is what the video says to those who would train a model on it.
    """

    enabled: bool = True
    certificate_file: str = ""
    key_file: str = ""
    training: Literal["allowed", "not_allowed"] = "not_allowed"
    folder: str = ""

    @property
    def own(self) -> bool:
        """Whether the studio signs with a certificate it made itself."""
        return not self.certificate_file


def read_config(tables: Mapping[str, Any]) -> Config:
    """Read the table out of all plug-ins' tables (`ctx.config`).

    Raises:
        OperatorNeeded: a key or a value is not understood, or one of the two files is missing.
    """
    try:
        config = Config.model_validate(dict(tables.get("c2pa", {})))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise OperatorNeeded(
            f"[plugins.c2pa] {where}: {first['msg'].lower()}.", mend="Correct it in studio.toml."
        ) from error
    if bool(config.certificate_file) != bool(config.key_file):
        missing = "key_file" if config.certificate_file else "certificate_file"
        raise OperatorNeeded(
            f"[plugins.c2pa] has no {missing}.",
            mend=f"Set both files, or neither for the studio's own certificate. {GUIDE}",
        )
    return config
