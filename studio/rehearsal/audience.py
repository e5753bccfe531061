"""Viewers who click and buy, told as a network tells it: by its report of the day."""

import csv
import io
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from bookai.db import jobs, rehearsal
from bookai.db.market import reports
from bookai.db.pool import Pool
from bookai.text.lists.earnings_list import CLICKS, CONVERSIONS
from studio.rehearsal.peers.video import VideoHost

ACTOR = "operator:simulated-books"
CLICK_RATE, SALE_RATE = 0.06, 0.15
MOST_CLICKS_A_DAY = 40


@dataclass(slots=True)
class Audience:
    """Clicks follow views, sales follow clicks; both are drawn with the rehearsal's seed."""

    pool: Pool
    host: VideoHost
    folder: Path
    seed: int
    _seen: dict[int, int] = field(default_factory=dict, init=False)
    _sold: int = field(default=0, init=False)

    async def close_the_day(self, at: datetime) -> str:
        """Write the network's reports of the day that ends at `at`, and have them read."""
        clicks: list[tuple[object, ...]] = []
        sales: list[tuple[object, ...]] = []
        for link in await rehearsal.list_links(self.pool):
            publication = (await jobs.load(self.pool, link.job_id)).publication
            if publication is None:
                continue
            views = self.host.views_of(publication.external_id) or 0
            new = views - self._seen.get(link.job_id, 0)
            self._seen[link.job_id] = views
            rng = Random(f"{self.seed}:{at:%Y-%m-%d}:{link.sub_id}")
            drawn = sum(rng.random() < CLICK_RATE for _ in range(max(0, new)))
            for number in range(min(drawn, MOST_CLICKS_A_DAY)):
                when = max(publication.published_at, at - timedelta(minutes=rng.randint(1, 600)))
                reference = f"sim-{link.sub_id}-{at:%Y%m%d}-{number}"
                clicks.append((link.network, link.sub_id, when.isoformat(), reference))
                if rng.random() < SALE_RATE:
                    self._sold += 1
                    pays = link.price_minor * link.commission_bps // 10_000
                    paid = (link.price_minor, pays, link.currency)
                    times = (when.isoformat(), at.isoformat())
                    sale = (link.network, f"sim-{self._sold}", link.sub_id, "approved")
                    sales.append((*sale, *paid, *times))
        for name, columns, rows in (("clicks", CLICKS, clicks), ("sales", CONVERSIONS, sales)):
            if rows:
                path = self.folder / f"{name}-{at:%Y-%m-%d}.csv"
                path.write_text(_csv(columns, rows), encoding="utf-8")
                await reports.import_report(self.pool, path, at, actor=ACTOR)
        return f"{len(clicks)} clicks, {len(sales)} sales"


def _csv(columns: tuple[str, ...], rows: list[tuple[object, ...]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()
