"""How what broke was met: read from the outbox, the audit log and the queue, post by post.

The platform's peer says what it did wrong, and to which post. What the studio made of it is asked
of the studio's own rows, and compared with what is out on the peer's side.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from bookai.db import audit, jobs, outbox
from bookai.db.jobs import JobRow
from bookai.db.outbox import OutboxRow
from bookai.db.pool import Pool
from bookai.db.rehearsal import standing
from bookai.db.results import posts as results
from bookai.db.results.posts import PostResult
from studio.engine import LOCK_PREFIX
from studio.rehearsal.peers.video import BUSY_S, Met, Out
from studio.rehearsal.record import Broken
from studio.rehearsal.telling.spans import span

MOST = 100_000
OPERATOR = "operator:"

Ending = Literal["out", "read", "given up", "operator", "waits", "unmet"]


@dataclass(frozen=True, slots=True)
class Case:
    """How it went on with one post after a fault: `sends` more, `after` so long, and why so."""

    ending: Ending
    sends: int = 0
    after: timedelta | None = None
    why: str = ""
    resumed: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What the studio wrote down: posts, sends and what is out by key, the rest by number."""

    posts: Mapping[str, OutboxRow]
    sends: Mapping[str, Sequence[datetime]]
    out: Mapping[str, Out]
    rows: Mapping[int, JobRow]
    entries: Mapping[int, datetime | None]
    resumed: Mapping[int, datetime]
    results: Mapping[int, PostResult]


async def facts_of(pool: Pool, out: Mapping[str, Out]) -> Facts:
    """Read everything that is needed to judge how faults were met."""
    sends: defaultdict[str, list[datetime]] = defaultdict(list)
    for event in await audit.search(pool, kind="post.sending", limit=MOST):
        sends[json.loads(event.body)["key"]].append(event.at)
    resumed: dict[int, datetime] = {}
    for event in reversed(await audit.search(pool, kind="job.status", limit=MOST)):
        if event.actor.startswith(OPERATOR) and event.job_id is not None:
            resumed[event.job_id] = event.at
    return Facts(
        posts={row.idempotency_key: row for row in await outbox.list_(pool, limit=MOST)},
        sends={key: sorted(times) for key, times in sends.items()},
        out=out,
        rows={row.job_id: row for row in await jobs.list_rows(pool, jobs.Which(), MOST)},
        entries=await standing.list_entries(pool, LOCK_PREFIX),
        resumed=resumed,
        results={row.post_id: row for row in await results.list_(pool, None, MOST)},
    )


def faults_met(met: Sequence[Met], facts: Facts) -> tuple[Broken, ...]:
    """Tell of each kind of fault how it was met, in the order in which they came first."""
    by_fault: dict[str, dict[tuple[str, bool], Met]] = {}
    times: defaultdict[str, int] = defaultdict(int)
    for one in met:
        by_fault.setdefault(one.fault, {}).setdefault((one.key, one.reading), one)
        times[one.fault] += 1
    found = []
    for fault, firsts in by_fault.items():
        cases = [(first.key, judge(first, facts)) for first in firsts.values()]
        found.append(
            Broken(
                what=f"the platform: {fault}",
                at=min(first.at for first in firsts.values()),
                times=times[fault],
                met=told([case for _, case in cases]),
                unmet=tuple(
                    f"{_name(key, facts)}: {case.why}"
                    for key, case in cases
                    if case.ending == "unmet"
                ),
            )
        )
    return tuple(found)


def judge(met: Met, facts: Facts) -> Case:
    """Say what became of a post after it met a fault."""
    post = facts.posts.get(met.key)
    if post is None:
        return Case("unmet", why="the outbox has no such post")
    if met.reading:
        return _reading(met, facts.results.get(post.post_id))
    again = [at for at in facts.sends.get(met.key, ()) if at > met.at]
    resumed_at = facts.resumed.get(post.job_id)
    case = replace(
        _ending(met, post, facts),
        sends=len(again),
        resumed=resumed_at is not None and resumed_at > met.at,
    )
    wrong = _wrong(met, again)
    return replace(case, ending="unmet", why=wrong) if wrong else case


def told(cases: Sequence[Case]) -> str:
    """Say in one line how it went on with all posts that met one fault."""
    by = {ending: [one for one in cases if one.ending == ending] for ending in _ORDER}
    parts = [_ORDER[ending](those) for ending, those in by.items() if those]
    return "; ".join(parts)


def _ending(met: Met, post: OutboxRow, facts: Facts) -> Case:
    out, job = facts.out.get(met.key), facts.rows[post.job_id]
    if post.state == "posted" and post.published_at is not None:
        if out is None or str(out.number) != post.external_id:
            there = f"number {out.number}" if out else "nothing"
            return Case("unmet", why=f"its receipt says {post.external_id}, and {there} is out")
        return Case("out", after=post.published_at - met.at)
    reason = post.reason or job.reason
    if post.state == "dead" or job.status in ("refused", "cancelled"):
        if out is not None:
            return Case("unmet", why=f"it was given up, and is out as number {out.number}")
        return Case("given up", why=reason) if reason else Case("unmet", why="no reason is told")
    if job.status == "failed" and reason:
        return Case("operator", why=reason)
    if job.status == "queued" and post.job_id in facts.entries:
        return Case("waits", why=reason or "")
    return Case("unmet", why=f"its post is {post.state}, its job {job.status}; nothing moves it")


def _wrong(met: Met, again: Sequence[datetime]) -> str:
    """Return what a studio must not do after this fault, where it did so; else ""."""
    asked = timedelta(seconds=BUSY_S)
    if met.fault == "busy" and again and again[0] - met.at < asked:
        return f"sent again after {span(again[0] - met.at)}, and {span(asked)} were asked for"
    if met.fault == "lost answer" and again:
        return "sent again, where the platform knew that it was out"
    if met.fault == "rejected" and again:
        return "sent again after a no for good"
    return ""


def _reading(met: Met, result: PostResult | None) -> Case:
    if result is not None and result.read_at is not None and result.read_at > met.at:
        return Case("read")
    if result is not None and result.next_at is not None:
        return Case("waits", why=result.error or "")
    return Case("unmet", why="its views are asked no more")


def _name(key: str, facts: Facts) -> str:
    post = facts.posts.get(key)
    return f"job {post.job_id}, {post.title!r}" if post else f"the post with the key {key!r}"


def _out(cases: Sequence[Case]) -> str:
    sends, resumed = sum(one.sends for one in cases), sum(one.resumed for one in cases)
    spans = sorted(one.after for one in cases if one.after is not None)
    again = f"sent again {_times(sends)}" if sends else "nothing sent again"
    by = f", {resumed} after an operator resumed it" if resumed else ""
    first, last = span(spans[0]), span(spans[-1])
    late = f"{last} later" if first == last else f"{first} to {last} later"
    return f"{len(cases)} went out {late}, {again}{by}"


def _given_up(cases: Sequence[Case]) -> str:
    reasons = "; ".join(dict.fromkeys(one.why for one in cases))
    return f"{len(cases)} given up for good, nothing of it is out, told why ({reasons})"


def _operator(cases: Sequence[Case]) -> str:
    reasons = "; ".join(dict.fromkeys(one.why for one in cases))
    return f"{len(cases)} stopped for an operator ({reasons})"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


_ORDER: Mapping[Ending, Callable[[Sequence[Case]], str]] = {
    "out": _out,
    "read": lambda cases: f"views of {len(cases)} read later",
    "given up": _given_up,
    "operator": _operator,
    "waits": lambda cases: f"{len(cases)} still to be tried again at the end",
    "unmet": lambda cases: f"{len(cases)} NOT MET",
}
