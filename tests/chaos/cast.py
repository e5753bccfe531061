"""The processes of a run: each is one of the studio's own doors, opened on the run's database.

A worker is what `bookai worker` runs, the keeper what `bookai serve` does beside serving. Only
waiting times are shorter than in a real studio, and where the schedule says so something breaks.
"""

import asyncio
import gc
import json
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import procrastinate

import agents
import tools.platforms
from agents.base import Agent
from bookai.db.outbox import backoff, sending
from bookai.db.pool import DATABASE_ERRORS, Pool
from bookai.errors import BookAIError, Refused
from bookai.models import PostEdit
from bookai.plugins import load_plugins
from bookai.settings import ChannelSettings, Settings
from mcp_server.server import load_tools
from studio import daemon, recovery, wiring
from studio.daemon import Hands
from studio.desk import StudioDesk
from studio.models.opening import open_providers
from studio.office import Office, opening
from tests.chaos.schedule import Fault, Role, Schedule, Wish
from tests.chaos.shake import Shaker
from tools import publish_video, read_stats
from tools.base import ApprovalRow
from tools.platforms.base import platforms

HERE = Path(__file__).parent
OPERATOR, OTHER = "operator:chaos", "operator:other"
MARK = "BOOKAI_CHAOS_RUN"
TOOL_LIMIT_S = 2.5
DEAD_AFTER_S = 2.0
BEAT_S = 0.25
LOOK_AGAIN_S = 0.1
MAX_RESUMES = 2
# Twenty seconds at least; counted, because a machine under load gives us no second's worth.
MAX_ROUNDS = 200
STUCK = 3

# Time is compressed: nothing is put off for longer than a second.
HURRY = """
UPDATE procrastinate_jobs
   SET scheduled_at = now() + make_interval(secs => 0.8)
 WHERE status = 'todo'
   AND scheduled_at > now() + make_interval(secs => 1)
"""
WAKE = 'SELECT pg_notify(\'procrastinate_any_queue_v1\', \'{"type": "job_inserted", "job_id": 1}\')'


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a run takes place."""

    schedule: Schedule
    home: Path
    dsn: str
    admin_dsn: str
    encoder: Path

    @property
    def settings(self) -> Settings:
        return Settings(
            home=self.home,
            dsn=self.dsn,
            admin_dsn=self.admin_dsn,
            metrics_port=0,
            channels={
                "gallery": ChannelSettings(platform="gallery", own_jobs=True),
                "remote": ChannelSettings(platform="remote", account="ours", own_jobs=True),
            },
        )

    @property
    def fired(self) -> Path:
        """A file for each fault that struck, called by its index."""
        return self.home / "fired"

    @property
    def diary(self) -> Path:
        """What the operator said and was told, kept outside the database."""
        return self.home / "diary"

    def source(self, number: int) -> str:
        offer = "-with-offer" if self.schedule.wishes[number].has_offer else ""
        return f"wish-{number}{offer}"

    def wish(self, source: str) -> Wish:
        return self.schedule.wishes[int(source.split("-")[1])]


def prepare() -> None:
    """Load everything once, before any fork, and put our agent and our platform in their places."""
    load_plugins(agents, "AGENT", Agent)
    agents.__path__ = [str(HERE / "crew")]
    tools.platforms.__path__ = [*tools.platforms.__path__, str(HERE / "places")]
    load_plugins(agents, "AGENT", Agent)
    load_tools()
    platforms()
    # A child that loaded these itself would spend longer on it than on all else that it does.
    open_providers()
    import_module("anyio._backends._asyncio")
    publish_video.TOOL = replace(publish_video.TOOL, timeout_s=TOOL_LIMIT_S)
    read_stats.TOOL = replace(read_stats.TOOL, timeout_s=TOOL_LIMIT_S)
    daemon.SEAL_EVERY_S, daemon.CARE_EVERY_S = 0.25, 0.25
    recovery.recover.__defaults__ = (DEAD_AFTER_S,)
    for lease in (sending.mark_sending, sending.keep_sending):
        (lease.__kwdefaults__ or {})["lease_s"] = DEAD_AFTER_S
    publish_video.BEAT_S, publish_video.FRESH_S = BEAT_S, DEAD_AFTER_S / 2
    backoff.FIRST_S = 0.2
    gc.collect()
    gc.freeze()  # a collection in a child would copy every page that it shares with us
    # procrastinate's own times, whatever the studio asks for.
    run_worker = procrastinate.App.run_worker_async

    async def run_quickly(app: procrastinate.App, **options: Any) -> None:
        quick = {"fetch_job_polling_interval": BEAT_S, "update_heartbeat_interval": BEAT_S}
        await run_worker(app, **(options | quick))

    procrastinate.App.run_worker_async = run_quickly  # type: ignore[assignment, method-assign]  # see above


def fork(stage: Stage, role: Role | None, faults: list[tuple[int, Fault]]) -> int:
    """Start one process of the cast; without a role, the sound one that ends the run."""
    child = os.fork()
    if child:
        return child
    _be(stage, role, faults)


def _be(stage: Stage, role: Role | None, faults: list[tuple[int, Fault]]) -> NoReturn:
    code = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.environ[MARK] = str(stage.home)  # every program that we start inherits it
        _log_into(stage.home / f"{role or 'finisher'}.log")
        shaker = Shaker(faults, stage.home, stage.fired)
        _place_agent(stage, shaker, is_armed=bool(faults))
        with asyncio.Runner(loop_factory=shaker.new_loop if faults else None) as runner:
            code = runner.run(_ACTS[role](stage))
    except BaseException:
        logging.exception("ended")
    finally:
        os._exit(code)


def _log_into(path: Path) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    logging.basicConfig(
        level=logging.INFO, format=f"{os.getpid()} %(asctime)s %(message)s", force=True
    )


def _place_agent(stage: Stage, shaker: Shaker, *, is_armed: bool) -> None:
    hand = load_plugins(agents, "AGENT", Agent)["hand"]
    hand.work_dir, hand.encoder = stage.settings.work_dir, stage.encoder  # type: ignore[attr-defined]  # ours, loaded as a plug-in
    if not is_armed:
        return
    for module in (opening, wiring):
        setattr(module, "now", shaker.now)  # noqa: B010  # the wiring has it from the opening
    hand.is_stubborn = shaker.is_stubborn  # type: ignore[attr-defined]  # as above
    platforms()["remote"].at = shaker.at  # type: ignore[attr-defined]  # ours too
    shaker.watch(StudioDesk, "desk")
    for platform in platforms().values():
        shaker.watch(type(platform), "place")
    shaker.arm()


@asynccontextmanager
async def _stopping() -> AsyncIterator[asyncio.Event]:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    yield stop


async def _worker(stage: Stage) -> int:
    async with wiring.open_studio(stage.settings) as house, _stopping() as stop:
        await daemon.work(house, [Hands(2)], stop, schedule=False)
    return 0


async def _keeper(stage: Stage) -> int:
    async with opening.open_office(stage.settings) as office, _stopping() as stop:
        await daemon.keep_house(office, stop)
    return 0


async def _operator(stage: Stage) -> int:
    async with opening.open_office(stage.settings) as office, _stopping() as stop:
        operator = Operator(stage, office)
        await operator.order()
        while not stop.is_set():
            if await operator.round():
                return 0
            await _hurry(office.database.pool)
            await _wait(stop)
    return 0


async def _finisher(stage: Stage) -> int:
    """Work without faults until everything came to its end."""
    async with wiring.open_studio(stage.settings) as house, _stopping() as stop:
        operator = Operator(stage, house.office, is_last=True)
        await operator.order()
        async with asyncio.TaskGroup() as group:
            group.create_task(daemon.work(house, [Hands(2)], stop, schedule=False))
            rounds = 0
            while rounds < MAX_ROUNDS and not await operator.round():
                await _hurry(house.office.database.pool)
                await _wait(stop)
                rounds += 1
            stop.set()
    return 0 if rounds < MAX_ROUNDS else STUCK


async def _hurry(pool: Pool) -> None:
    with suppress(BookAIError, OSError, *DATABASE_ERRORS):
        await pool.execute(HURRY)
        await pool.execute(WAKE)


async def _wait(stop: asyncio.Event) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(LOOK_AGAIN_S):
            await stop.wait()


class Operator:
    """Orders videos and answers what is asked; writes down each word before it is given."""

    def __init__(self, stage: Stage, office: Office, *, is_last: bool = False) -> None:
        self._stage = stage
        self._desk = office.desk
        self._is_last = is_last
        self._resumes: dict[int, int] = {}

    async def order(self) -> None:
        """Ask for what was not asked for yet."""
        known = {job.source for job in await self._desk.list_jobs(None, 100)}
        for number, wish in enumerate(self._stage.schedule.wishes):
            source = self._stage.source(number)
            if source not in known:
                job = await self._desk.create_job(source, wish.channel, OPERATOR)
                self._write(did="ordered", job_id=job.job_id)

    async def round(self) -> bool:
        """Answer and resume; return whether every video came to its end."""
        try:
            await self._answer()
            return await self._is_over()
        except (BookAIError, *DATABASE_ERRORS, OSError) as error:
            # A person whose command failed tries it again.
            logging.info("operator: %s", error)
            return False

    async def _answer(self) -> None:
        sources = {job.job_id: job.source for job in await self._desk.list_jobs(None, 100)}
        for row in await self._desk.list_approvals("pending", 100):
            match self._stage.wish(sources[row.job_id]).word:
                case "yes":
                    await self._decide(row, True)
                case "edited yes":
                    await self._decide(row, True, edit=PostEdit(hashtags=("#edited",)))
                case "no":
                    await self._decide(row, False)
                case "quarrel":
                    async with asyncio.TaskGroup() as group:
                        group.create_task(self._decide(row, True))
                        group.create_task(self._decide(row, False, by=OTHER))

    async def _decide(
        self, row: ApprovalRow, yes: bool, *, by: str = OPERATOR, edit: PostEdit | None = None
    ) -> None:
        post = row.post.model_copy(update=edit.model_dump(exclude_none=True)) if edit else row.post
        self._write(did="decides", job_id=row.job_id, digest=post.digest(), yes=yes)
        with suppress(Refused):  # somebody else's answer, or time, was quicker
            await self._desk.decide_approval(row.approval_id, yes, "because", by, edit=edit)

    async def _is_over(self) -> bool:
        jobs = await self._desk.list_jobs(None, 100)
        over = len(jobs) >= len(self._stage.schedule.wishes)
        for job in jobs:
            if job.status == "failed" and self._resumes.get(job.job_id, 0) < MAX_RESUMES:
                self._resumes[job.job_id] = self._resumes.get(job.job_id, 0) + 1
                over = False
                for post in await self._desk.list_publications(100):
                    if post.job_id == job.job_id and post.state == "dead":
                        await self._desk.replay_post(post.post_id, OPERATOR)
                        break
                else:
                    await self._desk.resume_job(job.job_id, OPERATOR)
            silent = self._stage.wish(job.source).word == "silence"
            waits = job.status == "waiting" and silent
            over &= waits or job.status in ("done", "refused", "failed", "cancelled")
        return over

    def _write(self, **said: object) -> None:
        handle = os.open(self._stage.diary, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, (json.dumps(said) + "\n").encode())
        finally:
            os.close(handle)


_ACTS: dict[Role | None, Callable[[Stage], Coroutine[Any, Any, int]]] = {
    "worker-a": _worker,
    "worker-b": _worker,
    "keeper": _keeper,
    "operator": _operator,
    None: _finisher,
}
