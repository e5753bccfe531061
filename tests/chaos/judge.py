"""What must hold after every run, whatever broke. Asked of the places outside the database too."""

import asyncio
import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from bookai.db.seal import verify as audit_verify
from bookai.db.seal.files import read_verifier
from studio.database import notes_path, open_database, seal_audit
from tests.chaos.cast import OPERATOR, Stage
from tests.chaos.places import remote
from tests.chaos.schedule import Word
from tools.site import store

JOBS = "SELECT job_id, source, status, reason, record FROM video_jobs ORDER BY job_id"
APPROVALS = "SELECT job_id, digest, state, decided_by FROM approvals"
POSTS = "SELECT post_id, job_id, platform, state, digest, external_id FROM social_posts"
EVENTS = "SELECT kind, actor, job_id, body::jsonb AS body FROM audit_log ORDER BY id"
TWICE = """
SELECT t.job_id, t.capability, count(*) AS n
  FROM task_executions e
  JOIN tasks t USING (task_id)
 WHERE e.outcome = 'ok'
 GROUP BY t.job_id, t.capability, t.round
HAVING count(*) > 1
"""
LINKS = "SELECT job_id, product_id, sub_id, url FROM affiliate_links"
MAY_GO_OUT = ("yes", "edited yes", "quarrel")
ENDS: dict[Word, tuple[str, ...]] = {
    "yes": ("done", "refused"),
    "edited yes": ("done", "refused"),
    "quarrel": ("done", "refused"),
    "no": ("refused",),
    "silence": ("waiting", "refused"),
}
LEFTOVERS = ("**/*.part", "**/.new-*", "**/.*.tmp", "**/*.pending")


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many things were checked and which were wrong; how many posts are out."""

    checked: int
    violations: tuple[str, ...]
    published: int


@dataclass(slots=True)
class _Bench:
    """Everything that is known about a run."""

    stage: Stage
    jobs: list[dict[str, Any]]
    approvals: list[dict[str, Any]]
    posts: list[dict[str, Any]]
    events: list[dict[str, Any]]
    links: list[dict[str, Any]]
    twice: list[dict[str, Any]]
    out: list[dict[str, Any]] = field(default_factory=list)
    checked: int = 0
    violations: list[str] = field(default_factory=list)

    def hold(self, is_so: bool, otherwise: str) -> None:
        self.checked += 1
        if not is_so:
            self.violations.append(otherwise)

    def said(self, did: str, **match: object) -> Iterator[dict[str, Any]]:
        diary = self.stage.diary
        for line in diary.read_text().splitlines() if diary.exists() else ():
            entry = json.loads(line)
            if entry["did"] == did and all(entry.get(k) == v for k, v in match.items()):
                yield entry

    def happened(self, kind: str, **match: object) -> list[dict[str, Any]]:
        return [
            event for event in self.events
            if event["kind"] == kind and all(event["body"].get(k) == v for k, v in match.items())
        ]  # fmt: skip


def sentence(stage: Stage) -> Verdict:
    """Judge a run that is over. Runs in a process of its own: an event loop spoils a forker."""
    answer = stage.home / "verdict"
    child = os.fork()
    if child == 0:
        try:
            verdict = _judge(stage)
        except Exception as error:  # noqa: BLE001  # the door of a process: a defect is a finding
            verdict = Verdict(0, (f"not judged: {error!r}",), 0)
        answer.write_text(json.dumps([verdict.checked, verdict.violations, verdict.published]))
        os._exit(0)
    os.waitpid(child, 0)
    checked, violations, published = json.loads(answer.read_text())
    return Verdict(checked, tuple(violations), published)


def is_over(stage: Stage) -> bool:
    """Tell whether every video came to an end that needs no more work."""
    with psycopg.connect(stage.admin_dsn) as con:
        jobs = con.execute(
            "SELECT source, status, a.state FROM video_jobs j LEFT JOIN approvals a USING (job_id)"
        ).fetchall()
    ended: int = sum(
        status in ("done", "refused")
        or (status == "waiting" and state == "pending" and stage.wish(source).word == "silence")
        for source, status, state in jobs
    )
    return len(stage.schedule.wishes) == len(jobs) == ended


def standing(stage: Stage) -> str:
    """Say where each job stands, and what waits for it."""
    with psycopg.connect(stage.admin_dsn) as con:
        jobs = con.execute("SELECT job_id, status, stage, reason FROM video_jobs").fetchall()
        waiting = con.execute(
            "SELECT id, queue_name, lock, status, attempts, scheduled_at FROM procrastinate_jobs"
        ).fetchall()
    return f"jobs {jobs}, queue {waiting}"


def _judge(stage: Stage) -> Verdict:
    bench = _gather(stage)
    _check_published(bench)
    _check_jobs(bench)
    _check_events(bench)
    _check_money(bench)
    _check_files(bench)
    asyncio.run(_check_chain(bench))
    return Verdict(bench.checked, tuple(bench.violations), len(bench.out))


def _gather(stage: Stage) -> _Bench:
    with psycopg.connect(stage.admin_dsn, row_factory=dict_row) as con:

        def fetch(query: str) -> list[dict[str, Any]]:
            return con.execute(query.encode()).fetchall()

        bench = _Bench(
            stage, fetch(JOBS), fetch(APPROVALS), fetch(POSTS), fetch(EVENTS), fetch(LINKS),
            fetch(TWICE),
        )  # fmt: skip
    bench.out = [*_pages(stage.settings.gallery_dir), *remote.posts(stage.settings.gallery_dir)]
    return bench


def _pages(gallery: Path) -> Iterator[dict[str, Any]]:
    """What the gallery shows, by its own files: the bytes are hashed, not believed."""
    for folder in sorted((gallery / "v").glob("*")):
        entry = store.entry_of(folder)
        if entry is None:
            yield {"id": folder.name, "title": "?", "digest": "not whole", "video": ""}
            continue
        video = hashlib.sha256((folder / store.VIDEO).read_bytes()).hexdigest()
        is_same = video == entry.post.video_sha256
        digest = entry.post.digest() if is_same else "another video"
        yield {"id": folder.name, "title": entry.post.title, "digest": digest, "video": video}


def _job_of(post: dict[str, Any]) -> int:
    return int(post["title"].rpartition(" ")[2]) if post["title"] != "?" else 0


def _check_published(bench: _Bench) -> None:
    for post in bench.out:
        job_id = _job_of(post)
        approved = any(bench.said("decides", job_id=job_id, digest=post["digest"], yes=True))
        bench.hold(
            approved, f"job {job_id} is out, and no operator said yes to those bytes: {post}"
        )
        row = [
            one for one in bench.approvals
            if one["job_id"] == job_id and one["digest"] == post["digest"]
            and one["decided_by"] == OPERATOR
        ]  # fmt: skip
        bench.hold(bool(row), f"job {job_id} is out without an approval of its digest")
    times = Counter(_job_of(post) for post in bench.out)
    for job in bench.jobs:
        n = times[job["job_id"]]
        bench.hold(n <= 1, f"job {job['job_id']} is out {n} times")
        is_done = job["status"] == "done"
        bench.hold(not is_done or n == 1, f"job {job['job_id']} is done, and out {n} times")
        word = bench.stage.wish(job["source"]).word
        bench.hold(word in MAY_GO_OUT or n == 0, f"job {job['job_id']} is out against {word!r}")


def _check_jobs(bench: _Bench) -> None:
    known = {job["job_id"] for job in bench.jobs}
    for entry in bench.said("ordered"):
        bench.hold(entry["job_id"] in known, f"job {entry['job_id']} was promised and is gone")
    sources = Counter(job["source"] for job in bench.jobs)
    for number in range(len(bench.stage.schedule.wishes)):
        n = sources[bench.stage.source(number)]
        bench.hold(n == 1, f"{bench.stage.source(number)} was ordered once and made {n} times")
    for job in bench.jobs:
        word = bench.stage.wish(job["source"]).word
        name = f"job {job['job_id']} ({word})"
        is_over = job["status"] in ENDS[word]
        bench.hold(is_over, f"{name} is {job['status']}: {job['reason']}")
        explained = job["status"] in ("done", "waiting") or bool(job["reason"])
        bench.hold(explained, f"{name} is {job['status']} without a reason")
        clock = any(f.kind == "clock jump" for f in bench.stage.schedule.faults)
        bench.hold(
            "yes" not in word or job["status"] == "done" or clock,
            f"{name} ended as {job['status']} though nobody's clock jumped: {job['reason']}",
        )
    for row in bench.twice:
        bench.hold(False, f"job {row['job_id']} did {row['capability']} {row['n']} times")


def _check_events(bench: _Bench) -> None:
    for job in bench.jobs:
        created = bench.happened("job.created", job_id=job["job_id"])
        bench.hold(len(created) == 1, f"job {job['job_id']} has {len(created)} births")
    for row in bench.approvals:
        if row["state"] not in ("approved", "rejected"):
            continue
        said = bench.happened("approval.decided", job_id=row["job_id"], digest=row["digest"])
        bench.hold(len(said) == 1, f"{row} has {len(said)} rows of the decision")
        bench.hold(
            all(one["actor"] == row["decided_by"] for one in said), f"{row}: another decided"
        )
    out = {post["id"]: post for post in bench.out}
    for row in bench.posts:
        name = f"post {row['post_id']} of job {row['job_id']}"
        receipts = bench.happened("post.posted", post_id=row["post_id"])
        is_posted = row["state"] == "posted"
        bench.hold(len(receipts) == int(is_posted), f"{name}: {len(receipts)} receipts")
        if is_posted:
            known = out.get(row["external_id"], {}).get("digest")
            bench.hold(known == row["digest"], f"{name} is receipted, but out is {known}")
            for kind in ("post.armed", "post.sending"):
                bench.hold(bool(bench.happened(kind, post_id=row["post_id"])), f"{name}: no {kind}")
    receipted = {row["external_id"] for row in bench.posts}
    for name in out:
        bench.hold(name in receipted, f"{name} is out, and the outbox does not know it")


def _check_money(bench: _Bench) -> None:
    for link in bench.links:
        made = bench.happened("link.made", job_id=link["job_id"], sub_id=link["sub_id"])
        bench.hold(len(made) == 1, f"link {link['sub_id']} has {len(made)} audit rows")
        bench.hold(
            link["sub_id"] == f"v{link['job_id']:x}p{link['product_id']:x}",
            f"link {link['sub_id']} credits another job or product",
        )
    urls = {link["job_id"]: link["url"] for link in bench.links}
    for job in bench.jobs:
        offered = (job["record"].get("post") or {}).get("offer_url")
        if offered:
            bench.hold(offered == urls.get(job["job_id"]), f"job {job['job_id']} earns elsewhere")


def _check_files(bench: _Bench) -> None:
    for pattern in LEFTOVERS:
        left = [str(path.relative_to(bench.stage.home)) for path in bench.stage.home.glob(pattern)]
        bench.hold(not left, f"left behind: {', '.join(left)}")


async def _check_chain(bench: _Bench) -> None:
    settings = bench.stage.settings
    async with open_database(settings) as database:
        await seal_audit(database, settings)
        verifier = read_verifier(settings.audit_dir / "signing.pub")
        report = await audit_verify.verify(database.pool, verifier, notes_path(settings))
    bench.hold(report.ok, f"the audit log does not verify: {'; '.join(report.problems)}")
    bench.hold(report.unsealed == 0, f"{report.unsealed} events cannot be sealed")
