"""A platform that does what a test tells it, and counts what is out there."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import ClassVar

from bookai.models import Post, Publication, Report
from tools.base import ToolContext
from tools.platforms.base import Files, Platform, Resend, Sent, Shown, Ticket


class ScriptedPlatform(Platform):
    """Publishes into a list, after `on_send`; `resend` and `shows` as the test sets them."""

    name = "scripted"
    shows: ClassVar[Mapping[str, Shown]] = {"ai_made": "text", "paid_promotion": "refused"}

    def __init__(self, resend: Resend = "ask_witness") -> None:
        self.resend = resend  # type: ignore[misc]  # a class's fact, here one for each test
        self.out: list[str] = []
        self.asked = 0
        self.alarm = ""
        self.on_send: Callable[[Ticket], Awaitable[None]] | None = None
        self.after_send: Callable[[], Awaitable[None]] | None = None
        self.stopped = asyncio.Event()

    async def find(self, post: Post, ticket: Ticket, ctx: ToolContext) -> Sent | None:
        self.asked += 1
        return self._sent(ticket.key) if ticket.key in self.out else None

    async def send(self, post: Post, files: Files, ticket: Ticket, ctx: ToolContext) -> Sent:
        try:
            if self.on_send:
                await self.on_send(ticket)
            await ticket.hold(None)
            self.out.append(ticket.key)
            if self.after_send:
                await self.after_send()
        except asyncio.CancelledError:
            self.stopped.set()
            raise
        return self._sent(ticket.key)

    async def report(self, publication: Publication, ctx: ToolContext) -> Report:
        return Report(views=None, note="a double")

    def _sent(self, key: str) -> Sent:
        return Sent(external_id=key, url=f"https://v.example/{key}", alarm=self.alarm)
