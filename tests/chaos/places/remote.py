"""A platform of the harness: a ledger outside the database that takes every post as a new one.

It is not idempotent on purpose: whoever sends twice is out twice. One appended line is a post that
the world sees. Its folder stands beside the gallery, so that every process finds the same.
"""

import hashlib
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

from bookai.errors import ToolFailed
from bookai.models import Post, Publication, Report
from tools.base import ToolContext
from tools.platforms.base import Files, Platform, Sent, Ticket


async def _nothing(_seam: str) -> None:
    """Let nothing happen between the post and the answer."""


class Remote(Platform):
    """The ambiguous peer: `at` is met between the post being out and its answer."""

    name = "remote"
    resend = "ask_witness"
    shows: ClassVar = {"ai_made": "flag", "paid_promotion": "flag"}

    def __init__(self) -> None:
        self.at: Callable[[str], Awaitable[None]] = _nothing

    async def find(self, post: Post, ticket: Ticket, ctx: ToolContext) -> Sent | None:
        for one in posts(ctx.gallery_dir):
            if one["key"] == ticket.key:
                return _sent(one["id"])
        return None

    async def send(self, post: Post, files: Files, ticket: Ticket, ctx: ToolContext) -> Sent:
        await ticket.hold(None)
        line = {
            "id": uuid4().hex,
            "key": ticket.key,
            "title": post.title,
            "digest": post.digest(),
            "video": hashlib.sha256(files.video.read_bytes()).hexdigest(),
        }
        handle = os.open(_ledger(ctx.gallery_dir), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, (json.dumps(line) + "\n").encode())
        finally:
            os.close(handle)
        await self.at("place.commit.after")
        return _sent(line["id"])

    async def report(self, publication: Publication, ctx: ToolContext) -> Report:
        if not any(post["id"] == publication.external_id for post in posts(ctx.gallery_dir)):
            raise ToolFailed(f"{publication.external_id} is not there")
        return Report(views=0, note="nobody looked")


def posts(gallery: Path) -> list[dict[str, Any]]:
    """Return what is out, oldest first."""
    ledger = _ledger(gallery)
    if not ledger.exists():
        return []
    return [json.loads(line) for line in ledger.read_text().splitlines()]


def _ledger(gallery: Path) -> Path:
    gallery.mkdir(parents=True, exist_ok=True)
    return gallery.parent / "remote.jsonl"


def _sent(name: str) -> Sent:
    return Sent(external_id=name, url=f"https://remote.example/{name}")


PLATFORM = Remote()
