"""Ask the platforms what became of a channel's posts: young ones often, old ones seldom."""

import asyncio
import logging
from collections import Counter
from datetime import datetime, timedelta

from bookai.db import outbox
from bookai.db.results import posts
from bookai.db.results.posts import DuePost
from bookai.errors import BookAIError, NotYet, OperatorNeeded, TryLater
from studio.channels.standing import accounts_of
from studio.office import Office
from tools.base import ToolContext
from tools.net.gate import Gate
from tools.platforms.base import ACCOUNTS, Gone, Platform, platforms

logger = logging.getLogger(__name__)

MOST = 100
AT_ONCE = 4
ONE_S = 30.0
# A tick ends itself before the loop does: what is not asked now is due at the next tick.
WHOLE_S = 90.0
LEAST_WAIT, MOST_WAIT = timedelta(minutes=15), timedelta(hours=6)
FAILED_WAIT = timedelta(hours=1)


async def read_stats(office: Office, channel: str, at: datetime) -> str:
    """Ask after a channel's posts that are due; say how many, and what was wrong.

    A platform that cannot be asked now is not asked again in this tick. Reading changes nothing
    there, so a tick that is done twice only looks twice.
    """
    asked = await posts.due(office.database.pool, channel, at, MOST)
    if not asked:
        return "no post is due"
    round_ = _Round(office, at)
    try:
        async with asyncio.timeout(WHOLE_S), asyncio.TaskGroup() as group:
            for post in asked:
                group.create_task(round_.ask(post))
    except TimeoutError:
        round_.counts["left for the next tick"] = len(asked) - sum(round_.counts.values())
    except BaseExceptionGroup as failed:
        # The database went away, most likely: the loop knows what to do about that, not groups.
        raise failed.exceptions[0] from failed
    return round_.note()


class _Round:
    """One tick's questions: what came of them, and which platforms are not asked any more."""

    def __init__(self, office: Office, at: datetime) -> None:
        self._pool = office.database.pool
        self._ctx = _context(office)
        self._at = at
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._away: dict[tuple[str, str], tuple[str, datetime]] = {}
        self.counts: Counter[str] = Counter()

    async def ask(self, post: DuePost) -> None:
        async with self._turn:
            name = post.publication.platform
            target = (name, post.account)
            if target in self._away:
                await self._put_off(post, *self._away[target])
                return
            platform = platforms().get(name)
            if platform is None:
                why = f"the platform {name!r} is not installed any more"
                await self._put_off(post, why, self._at + MOST_WAIT)
                return
            await self._ask(post, platform, target)

    async def _ask(self, post: DuePost, platform: Platform, target: tuple[str, str]) -> None:
        try:
            async with asyncio.timeout(ONE_S):
                report = await platform.report(post.publication, self._ctx)
        except Gone as error:
            is_news = await posts.note_missed(self._pool, post, str(error), self._at)
            self.counts["gone" if is_news else "not found"] += 1
            if is_news:
                logger.warning("%s", error, extra={"action": "post_gone", "job_id": post.job_id})
        except (TryLater, TimeoutError, OperatorNeeded) as error:
            wait = timedelta(seconds=error.after_s) if isinstance(error, TryLater) else FAILED_WAIT
            again = self._at + min(max(wait, LEAST_WAIT), MOST_WAIT)
            why = str(error) or f"{target[0]} did not answer within {ONE_S:g} s"
            self._away[target] = (why, again)
            if isinstance(error, NotYet):  # what it may not ask, it may not send either
                await outbox.rest_account(self._pool, post.publication.post_id, error.after_s, why)
            await self._put_off(post, why, again)
        except BookAIError as error:
            # This post alone: the platform answered, but not about what was published.
            await self._put_off(post, str(error), self._at + FAILED_WAIT)
        else:
            await posts.note_there(self._pool, post, report, self._at)
            self.counts["read"] += 1

    async def _put_off(self, post: DuePost, why: str, again: datetime) -> None:
        await posts.note_failed(self._pool, post, why, self._at, again)
        self.counts["not read"] += 1

    def note(self) -> str:
        told = ", ".join(f"{count} {what}" for what, count in sorted(self.counts.items()))
        away = "; ".join(f"{name}: {why}" for (name, _), (why, _) in sorted(self._away.items()))
        return f"{told}. {away}" if away else told


def _context(office: Office) -> ToolContext:
    """Lend what a platform needs to be asked, with the studio's own rights."""
    settings = office.channels.kept()

    async def silent(_fraction: float, _message: str) -> None:
        return None

    return ToolContext(
        desk=office.desk,
        fetch=Gate(allow_private=settings.allow_private),
        work_dir=settings.work_dir,
        gallery_dir=settings.gallery_dir,
        principal="studio",
        progress=silent,
        config={
            **settings.plugins,
            "allow_private": settings.allow_private,
            ACCOUNTS: accounts_of(settings),
        },
    )
