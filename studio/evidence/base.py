"""Copies of the signed checkpoints in places that whoever runs the database cannot rewrite.

A place is one file here: it exports `KIND`, with a settings record and a class of two verbs. Only
the newest checkpoint is brought to a place, once an interval: each one covers all events before
it, so an older one that a place lacks would prove nothing more.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from bookai.db.seal.exports import SignedNote
from bookai.db.seal.merkle import NoteError, read_note
from bookai.errors import OperatorNeeded

_BY_REFERENCE = 'never write it down here: name where it is, as { env = "NAME" } or { file = "…" }'
_LONGEST_SECRET = 65536
LOOPBACK = ("127.0.0.1", "::1", "localhost")
"""Hosts that need no TLS: nobody else reads what goes to them."""

Own = Callable[[int], Awaitable[str | None]]
"""Returns our own note over so many events, or None when our database has none."""


class Divergence(OperatorNeeded):
    """A place holds another history than our database: it was rolled back, or the place changed."""


class Secret(BaseModel):
    """Where a secret is: an environment variable or a file, never the secret itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    env: str | None = None
    file: Path | None = None

    @model_validator(mode="before")
    @classmethod
    def _no_plain_text(cls, value: Any) -> Any:
        if isinstance(value, str):
            raise ValueError(_BY_REFERENCE)
        return value

    @model_validator(mode="after")
    def _one_place(self) -> "Secret":
        if (self.env is None) == (self.file is None):
            raise ValueError(_BY_REFERENCE)
        return self

    def read(self) -> str:
        """Return the secret, without the line end that editors leave.

        Raises:
            OperatorNeeded: it is not there, is empty, or anyone on this machine can read it.
        """
        found = self._from_file(self.file) if self.file else os.environ.get(self.env or "", "")
        if not found.strip():
            where = str(self.file) if self.file else f"the environment variable {self.env}"
            raise OperatorNeeded(f"{where} holds no secret.", mend="Put it there, then try again.")
        return found.strip()

    def _from_file(self, path: Path) -> str:
        try:
            if os.name == "posix" and path.stat().st_mode & 0o007:
                raise OperatorNeeded(
                    f"everyone on this machine can read the secret {path}.",
                    mend=f"chmod 600 {path}",
                )
            return path.read_text(encoding="utf-8")[:_LONGEST_SECRET]
        except (OSError, UnicodeDecodeError) as error:
            raise OperatorNeeded(
                f"the secret {path} cannot be read ({error}).",
                mend="Correct the path or the rights of that file.",
            ) from error


class PlaceConfig(BaseModel):
    """Base of what a kind of place needs to know beside its name and its interval."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Place(ABC):
    """One place outside the database. Every call is bounded in time by its caller."""

    @abstractmethod
    async def push(self, note: SignedNote, own: Own) -> None:
        """Bring the newest checkpoint there; bringing it twice changes nothing.

        A place that can be read compares what lies there with our `own` notes first.

        Raises:
            Divergence: the place has a history that ours does not continue.
            TryLater: the place did not answer, or not in time.
            OperatorNeeded: it never will like this: rights, a name, a key.
        """

    @abstractmethod
    async def fetch(self) -> str:
        """Return the notes that lie there, oldest first, as `bookai audit verify` reads them.

        Raises:
            Refused: a place of this kind can only be written to; says how to get them by hand.
        """


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of place: its settings, how to open one, and how often it may be written to."""

    name: str
    config: type[PlaceConfig]
    open: Callable[[Any, "Setting"], Place]
    shortest_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Setting:
    """What every place gets: its name, a folder it may keep things in, and its time limit."""

    name: str
    folder: Path
    timeout_s: float


async def check_newest(there: str, ours: SignedNote, where: str, own: Own) -> bool:
    """Say whether the newest note of a place, `there`, is the one we are about to bring.

    Raises:
        Divergence: it covers more than our database does, or is not the note that we have over as
            many events: a database that was rolled back and has grown again has another.
    """
    try:
        size = read_note(there).size
    except NoteError as error:
        raise Divergence(
            f"what lies newest in {where} is no checkpoint ({error}).",
            mend="Look who wrote it. Nothing was overwritten.",
        ) from error
    if size > ours.tree_size:
        raise Divergence(
            f"{where} has a checkpoint over {size} events, our database covers {ours.tree_size}: "
            "the database was rolled back, or another studio writes there.",
            mend="Look with `bookai audit verify`. Give each studio a place of its own.",
        )
    mine = ours.note if size == ours.tree_size else await own(size)
    if there != mine:
        raise Divergence(
            f"{where} has a checkpoint over {size} events, of which our database has "
            f"{'another' if mine else 'none'}: history was rewritten, here or there.",
            mend="Look with `bookai audit verify`. Nothing was overwritten.",
        )
    return size == ours.tree_size
