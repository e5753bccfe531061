"""Look whether the pages of products answer; a dead one is offered no more until it does."""

import asyncio
import logging
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from bookai.db.results import pages
from bookai.db.results.pages import DuePage
from bookai.errors import BookAIError, Refused
from studio.office import Office
from tools.net.answers import NoPage
from tools.net.gate import Gate

logger = logging.getLogger(__name__)

LEAST, MOST = 20, 2000
AT_ONCE, AT_ONE_HOST = 8, 2
ONE_S = 15.0
WHOLE_S = 100.0
MAX_BYTES = 2 * 1024 * 1024
NAMED = 3
# RFC 2606 keeps these names for examples, such as those of the bundled catalogue.
_EXAMPLES = ("example", "example.com", "example.net", "example.org", "invalid", "test")


async def refresh_links(office: Office, at: datetime) -> str:
    """Look at the product pages that are due; say how many answer, and name the dead.

    Only the product's own page is opened, never a tracked link: that would count as a click.
    """
    pool = office.database.pool
    every = timedelta(seconds=office.settings.loop.links_every_s)
    due = await pages.due(pool, at, every, LEAST, MOST)
    look = _Look(office, at)
    try:
        async with asyncio.timeout(WHOLE_S), asyncio.TaskGroup() as group:
            for page in due:
                group.create_task(look.at_page(page))
    except TimeoutError:
        look.counts["left for the next tick"] = len(due) - sum(look.counts.values())
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from failed
    dead = await pages.dead(pool)
    told = ", ".join(f"{count} {what}" for what, count in sorted(look.counts.items()))
    names = ", ".join(f"{one.name} ({one.network} {one.sku})" for one in dead[:NAMED])
    more = f" and {len(dead) - NAMED} more" if len(dead) > NAMED else ""
    ended = f"; not offered, as their page is gone: {names}{more}" if dead else ""
    return f"{told or 'no page is due'}{ended}"


class _Look:
    """One tick's look at pages: a few at once, and fewer at one shop."""

    def __init__(self, office: Office, at: datetime) -> None:
        self._pool = office.database.pool
        self._gate = Gate(
            allow_private=office.settings.allow_private, max_bytes=MAX_BYTES, timeout_s=ONE_S
        )
        self._at = at
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._hosts: dict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(AT_ONE_HOST)
        )
        self.counts: Counter[str] = Counter()

    async def at_page(self, page: DuePage) -> None:
        host = urlsplit(page.url).netloc.lower()
        async with self._hosts[host], self._turn:
            await self._at_page(page)

    async def _at_page(self, page: DuePage) -> None:
        if _is_example(page.url):
            why = "an example's address: nobody is asked"
            await pages.note_unsure(self._pool, page, why, self._at, self._at + pages.EACH)
            self.counts["are examples"] += 1
            return
        try:
            await self._gate(page.url, accept="text/html,*/*;q=0.8")
        except NoPage as error:
            if await pages.note_missing(self._pool, page, str(error), self._at):
                logger.warning(
                    "%r is offered no more: %s", page.name, error, extra={"action": "offer_dead"}
                )
            self.counts["missing"] += 1
        except Refused as error:
            # A shop that lets no program in, or a page of many megabytes: it is there all the same.
            again = self._at + pages.EACH
            await pages.note_unsure(self._pool, page, str(error), self._at, again)
            self.counts["not told"] += 1
        except BookAIError as error:
            again = self._at + pages.LOOK_TWICE
            await pages.note_unsure(self._pool, page, str(error), self._at, again)
            self.counts["not reached"] += 1
        else:
            await pages.note_answers(self._pool, page, self._at)
            self.counts["answer"] += 1


def _is_example(url: str) -> bool:
    host = (urlsplit(url).hostname or "").rstrip(".")
    return any(host == name or host.endswith(f".{name}") for name in _EXAMPLES)
