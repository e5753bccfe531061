"""Word of what changed, in whichever process: one connection listens, many hear.

The line is opened when the first one listens and closed after the last. Whoever hears reads the
row, so hearing twice does no harm, and after a broken line whatever may have changed is told again.
"""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

from bookai.db.pool import DATABASE_ERRORS, Con, connect
from bookai.errors import BookAIError
from bookai.models import Change

logger = logging.getLogger(__name__)

CHANNEL = "bookai_news"
ASK_S = 10.0
REST_S = 0.5
BEAT_S = 10.0
"""The line is tried so often: one that is cut without a word is noticed."""

GATHER_S = 0.05
"""Between two rounds, so that what changes ten times in a moment is told once."""

OVERLAP = timedelta(seconds=5)
"""A transaction may commit so long after the time that it wrote down."""

MOST_MISSED = 1000

Hear = Callable[[Change], None]

# Jobs have no index by time: this is asked when a line opens, not on its way.
SELECT_MISSED = """
WITH moved AS (SELECT job_id
                 FROM video_jobs
                WHERE updated_at > $1
                ORDER BY updated_at DESC
                LIMIT $2)
SELECT 'job' AS what, job_id AS number, job_id, true AS content
  FROM moved
UNION ALL
SELECT 'approval', a.approval_id, a.job_id, false
  FROM approvals a
 WHERE a.job_id IN (SELECT job_id FROM moved)
UNION ALL
SELECT 'post', p.post_id, p.job_id, false
  FROM social_posts p
 WHERE p.updated_at > $1
    OR p.job_id IN (SELECT job_id FROM moved)
"""
SELECT_NOW = "SELECT now()"

_PAYLOAD = re.compile(r"(job|approval|post) ([1-9][0-9]{0,17}) ([1-9][0-9]{0,17})( content)?")


class News:
    """The studio's news as one process has them; made by `open_news`, which runs it."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._ears: dict[object, Hear] = {}
        self._is_wanted = asyncio.Event()
        self._rung = asyncio.Event()
        self._pending: dict[Change, None] = {}
        self._since: datetime | None = None

    def subscribe(self, hear: Hear) -> Callable[[], None]:
        """Tell `hear` of every change from now on; return what ends that.

        `hear` runs on the event loop and must not wait.
        """
        key = object()
        self._ears[key] = hear
        self._is_wanted.set()

        def end() -> None:
            self._ears.pop(key, None)
            if not self._ears:
                self._is_wanted.clear()
                self._rung.set()

        return end

    async def follow(self) -> None:
        """Listen while anybody wants to hear, until cancelled; a line that broke is made anew."""
        while True:
            await self._is_wanted.wait()
            try:
                async with self._open_line() as line:
                    await self._listen(line)
                self._since = None
            except (BookAIError, OSError, *DATABASE_ERRORS) as error:
                # A statement that takes too long is a TimeoutError, and that an OSError.
                logger.warning(
                    "Hears no news of changes (%s): tries again",
                    type(error).__name__,
                    extra={"action": "news_deaf"},
                )
                await asyncio.sleep(REST_S)

    async def _listen(self, line: Con) -> None:
        now: datetime = await line.fetchval(SELECT_NOW)
        # Between a client's "subscribed" and our LISTEN something may have changed as well.
        missed = await line.fetch(SELECT_MISSED, (self._since or now) - OVERLAP, MOST_MISSED)
        self._pending.update((Change(**row), None) for row in missed)
        while self._is_wanted.is_set():
            self._since = now
            self._tell()
            with suppress(TimeoutError):
                async with asyncio.timeout(BEAT_S):
                    await self._rung.wait()
            await asyncio.sleep(GATHER_S)
            self._rung.clear()
            now = await line.fetchval(SELECT_NOW)

    def _tell(self) -> None:
        changes, self._pending = tuple(self._pending), {}
        for change in changes:
            for hear in tuple(self._ears.values()):
                try:
                    hear(change)
                except Exception:
                    # A door to whoever listens: one that breaks must not make the others deaf.
                    logger.exception("A listener broke", extra={"action": "news_listener_broke"})

    @asynccontextmanager
    async def _open_line(self) -> AsyncIterator[Con]:
        line = await connect(self._dsn, command_timeout=ASK_S)
        try:
            line.add_termination_listener(lambda _con: self._rung.set())
            await line.add_listener(CHANNEL, self._ring)
            yield line
        finally:
            line.terminate()

    def _ring(self, _con: Any, _pid: int, _channel: str, payload: Any) -> None:
        if change := _read(payload):
            self._pending[change] = None
            self._rung.set()


@asynccontextmanager
async def open_news(dsn: str) -> AsyncIterator[News]:
    """Lend the news of this database; nothing is connected before somebody subscribes."""
    news = News(dsn)
    following = asyncio.create_task(news.follow(), name="news")
    try:
        yield news
    finally:
        following.cancel()
        await asyncio.wait({following})


def _read(payload: str) -> Change | None:
    """Return what was said; anyone in the database can ring this bell, and say anything."""
    said = _PAYLOAD.fullmatch(payload)
    if said is None:
        return None
    what, number, job_id, content = said.groups()
    return Change.model_validate(
        {"what": what, "number": int(number), "job_id": int(job_id), "content": bool(content)}
    )
