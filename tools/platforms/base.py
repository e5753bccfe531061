"""What a platform's file exports: `PLATFORM`, one place where videos are published."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path

from bookai.errors import BookAIError
from bookai.models import Post, Publication, Record, Report
from bookai.plugins import load_plugins
from tools.base import ToolContext


class NotSent(BookAIError):
    """Certainly nothing went out: a retry may send. Its `cause` is what the caller should see."""

    def __init__(self, cause: BookAIError) -> None:
        super().__init__(str(cause))
        self.cause = cause


class Files(Record):
    """The three files of a post, verified against their hashes."""

    video: Path
    thumbnail: Path
    captions: Path


class Sent(Record):
    """The platform's receipt."""

    external_id: str
    url: str


class Platform(ABC):
    """One place to publish. `key` is the post's own, the same at every try."""

    name: str

    @abstractmethod
    async def find(self, key: str, ctx: ToolContext) -> Sent | None:
        """Return the receipt of a post that is out already, or None when certainly none is."""

    @abstractmethod
    async def send(self, post: Post, files: Files, key: str, ctx: ToolContext) -> Sent:
        """Publish, once.

        Raises:
            NotSent: certainly nothing went out.
            BookAIError: it is not known whether something went out.
        """

    @abstractmethod
    async def report(self, publication: Publication, ctx: ToolContext) -> Report:
        """Return what became of a post.

        Raises:
            ToolFailed: it is not there any more, or not what was published.
        """


@cache
def platforms() -> Mapping[str, Platform]:
    """Return every platform of this folder by its name."""
    return load_plugins(import_module("tools.platforms"), "PLATFORM", Platform)
