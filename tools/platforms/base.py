"""What a platform's file exports: `PLATFORM`, one place where videos are published."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import ValidationError

from bookai.errors import BookAIError, NotYet, OperatorNeeded, ToolFailed
from bookai.models import Post, Publication, Record, Report, Visibility
from bookai.plugins import load_plugins
from bookai.records import RESTORED
from tools.base import ToolContext

C = TypeVar("C", bound=Record)

ACCOUNTS = "accounts"
"""Under this key of a tool's config: references to secrets, by platform and account."""

Resend = Literal["same_key_is_same_post", "ask_witness", "ask_operator"]
"""What to do when it is not known whether a post is out.

`same_key_is_same_post`: ask; where nothing is found, sending again under the same key cannot make a
second post. `ask_witness`: ask; the platform's no is certain. `ask_operator`: nothing can be asked,
so a person looks, and nothing is sent again before he has spoken.
"""

Shown = Literal["flag", "text", "refused"]
"""How a platform tells viewers a fact: a flag of its own, words in the text, or not at all."""


class NotSent(BookAIError):
    """Certainly nothing went out: a retry may send. Its `cause` is what the caller should see."""

    def __init__(self, cause: BookAIError) -> None:
        super().__init__(str(cause))
        self.cause = cause


class Gone(ToolFailed):
    """The platform shows a post no more: it was removed, taken down, or nobody may see it."""


class LeaseLost(NotYet):
    """Another process took the post over; whoever sees this has stopped and sent nothing since."""


class Files(Record):
    """The three files of a post, verified against their hashes."""

    video: Path
    thumbnail: Path
    captions: Path


class Sent(Record):
    """The platform's receipt. `alarm` says what an operator must look at although it is out."""

    external_id: str
    url: str
    alarm: str = ""


@dataclass(frozen=True, slots=True)
class Ticket:
    """One attempt at one post.

    `key` is the post's own and `armed_at` when it was armed first, both the same at every attempt;
    `handle` is what an earlier attempt left behind. `hold(handle)` proves that the attempt is still
    ours and keeps the handle for the next one: call it right before every step that has an effect,
    and before the first byte. It raises `LeaseLost`.
    """

    key: str
    armed_at: datetime
    handle: str | None
    hold: Callable[[str | None], Awaitable[None]]

    @property
    def is_restored(self) -> bool:
        """Tell whether nothing is known of attempts: the studio that made them may have gone on."""
        return self.handle == RESTORED


class Limits(Record):
    """The most that a platform takes of each; None where we know no bound. More tags are left out.

    Characters are as a reader counts them. `tags_characters` is of all tags together.
    """

    title_characters: int | None = None
    text_characters: int | None = None
    text_bytes: int | None = None
    tags: int | None = None
    tags_characters: int | None = None
    video_bytes: int | None = None
    captions_bytes: int | None = None


class Platform(ABC):
    """One place to publish.

    `resend` says what happens to a post whose outcome is unknown; `shows` names for each
    field of `Flags` how viewers are told that it is so. `sees` are the visibilities it knows, and
    `knows_kids` tells whether it has a flag for what is made for them. `limits` is what it takes.
    `finds_restored` promises that `find` looks there for a ticket that `is_restored`, by its key.
    Where it raises, or names as a cause, `NotYet`, its whole account is told to wait: 429, or no
    quota is left. A server that is merely down is `TryLater`.
    """

    name: str
    resend: ClassVar[Resend]
    shows: ClassVar[Mapping[str, Shown]]
    sees: ClassVar[frozenset[Visibility]] = frozenset({"public"})
    knows_kids: ClassVar[bool] = False
    finds_restored: ClassVar[bool] = False
    limits: ClassVar[Limits] = Limits()

    @abstractmethod
    async def find(self, post: Post, ticket: Ticket, ctx: ToolContext) -> Sent | None:
        """Return the receipt of a post that is out already, or None when certainly none is.

        Raises:
            TryLater: the platform cannot be asked now.
            OperatorNeeded: it cannot tell.
        """

    @abstractmethod
    async def send(self, post: Post, files: Files, ticket: Ticket, ctx: ToolContext) -> Sent:
        """Publish, once.

        Raises:
            NotSent: certainly nothing went out; a `Refused` cause is for good, a `TryLater` says
                when to come again.
            LeaseLost: another process took over.
            BookAIError: it is not known whether something went out.
        """

    @abstractmethod
    async def report(self, publication: Publication, ctx: ToolContext) -> Report:
        """Return what became of a post.

        Raises:
            Gone: the platform says that it is not there any more.
            ToolFailed: it is not what was published.
            TryLater, OperatorNeeded: the platform cannot be asked now.
        """


async def rest_if_told(error: BookAIError, post_id: int, ctx: ToolContext) -> None:
    """Let a post's account rest where that is what a platform's error says."""
    if isinstance(error, NotYet) and not isinstance(error, LeaseLost):
        await ctx.desk.rest_account(post_id, error.after_s, str(error) or type(error).__name__)


def read_config(kind: type[C], config: Mapping[str, Any], name: str) -> C:
    """Return a platform's own table `[plugins.<name>]`.

    Raises:
        OperatorNeeded: a key or a value in it is not understood; the value is not repeated.
    """
    try:
        return kind.model_validate(dict(config.get(name, {})))
    except ValidationError as error:
        # From None: the library's own words repeat the value, and it may be a secret.
        wrong = "; ".join(f"{e['loc'][0]}: {e['msg'].lower()}" for e in error.errors() if e["loc"])
        raise OperatorNeeded(f"[plugins.{name}]: {wrong}.", mend="Correct studio.toml.") from None


def reference_of(config: Mapping[str, Any], platform: str, account: str) -> str:
    """Return where a channel says that this account's secret is; "" where none says so."""
    found: str = config.get(ACCOUNTS, {}).get(platform, {}).get(account, "")
    return found


@cache
def _in_folder() -> Mapping[str, Platform]:
    return load_plugins(import_module("tools.platforms"), "PLATFORM", Platform)


_INSTEAD: list[Mapping[str, Platform]] = []


def platforms() -> Mapping[str, Platform]:
    """Return every platform of this folder by its name, or what stands in for all of them."""
    return _INSTEAD[-1] if _INSTEAD else _in_folder()


@contextmanager
def only(stand_ins: Mapping[str, Platform]) -> Iterator[None]:
    """While the block runs, this process knows these platforms and no other.

    For a rehearsal: it must not be able to publish, whatever else of it went wrong, so the real
    platforms are not even loaded. One for the whole process, as nothing in it may be left out.
    """
    _INSTEAD.append(dict(stand_ins))
    try:
        yield
    finally:
        _INSTEAD.pop()
