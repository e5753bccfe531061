"""Run the real loop through a simulated week.

The clock stands still while anything works and then jumps to whatever is due next: a slot of the
loop, an entry of the queue, an operator's look, the end of an approval, the close of a day. With
one hand and no waiting there is one order of events, and the seed alone decides it.
"""

import random
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from bookai.db import loop, outbox, rehearsal
from bookai.db.embedded import embedded
from bookai.db.migrate import migrate
from bookai.house import migrations_dir
from bookai.settings import Settings
from studio.database import seal_audit
from studio.loop.lineup import lineup_of
from studio.loop.run import Runner
from studio.recovery import recover
from studio.rehearsal.audience import Audience
from studio.rehearsal.clock import Clock, open_clock
from studio.rehearsal.films import FILM_S, Films
from studio.rehearsal.hands import open_hands
from studio.rehearsal.peers.press import Press
from studio.rehearsal.peers.video import VideoHost
from studio.rehearsal.people import People
from studio.rehearsal.platform import PLATFORM
from studio.rehearsal.record import RehearsalReport
from studio.rehearsal.stage import Stage
from studio.rehearsal.telling import gather
from studio.rehearsal.world import TOKEN_FILE, World
from studio.wiring import open_studio
from tools.platforms.base import only

STEP_S = 1.0
HOLDER = "rehearsal"
A_DAY = timedelta(days=1)
LONGEST_JUMP = timedelta(hours=1)

Tell = Callable[[datetime, str], None]


@dataclass(frozen=True, slots=True)
class Dsns:
    """The ways into an empty database: as its owner, and as the studio's own role."""

    admin: str
    app: str


async def play(stage: Stage, until: datetime, tell: Tell) -> None:
    """Let everything happen that is due before `until`."""
    clock, people = stage.clock, stage.people
    next_close = stage.world.start + A_DAY
    await people.begin(clock.at)
    for when, who, did in people.acts:
        tell(when, f"{who} {did}")
    await _settle(stage)
    while (at := await _next(stage, next_close)) < until:
        await clock.jump(max(at, clock.at))
        await _look_after(stage)
        await stage.runner.run_due(clock.at)
        acts = len(people.acts)
        await people.look(clock.at)
        for when, who, did in people.acts[acts:]:
            tell(when, f"{who} {did}")
        await _settle(stage)
        if clock.at >= next_close:
            tell(next_close, await _close_the_day(stage))
            next_close += A_DAY
    await clock.jump(max(until, clock.at))
    await _close_the_day(stage)


async def _next(stage: Stage, next_close: datetime) -> datetime:
    now = stage.clock.at
    queue = await rehearsal.next_due(stage.house.office.database.pool)
    due = (
        await stage.runner.next_slot(),
        queue.entry_at,
        queue.expiry_at,
        stage.people.next_look(now),
        next_close,
        now + LONGEST_JUMP,
    )
    return min(one for one in due if one is not None)


async def _settle(stage: Stage) -> None:
    """Work until nothing is due; each piece of work takes its virtual time."""
    pool, rendered = stage.house.office.database.pool, stage.films.rendered
    while (due := (await rehearsal.next_due(pool)).entry_at) and due <= stage.clock.at:
        if not await stage.hands.take_one():
            return  # another entry of the same job is being worked on, or was taken away
        took_s = FILM_S * (stage.films.rendered - rendered) or STEP_S
        rendered = stage.films.rendered
        await stage.clock.pass_(took_s)


async def _look_after(stage: Stage) -> None:
    """Do what every process of a studio does each ten seconds; here at most once an hour."""
    office = stage.house.office
    pool, at = office.database.pool, stage.clock.at
    due = (await rehearsal.next_due(pool)).expiry_at
    if at.minute == 0 or (due is not None and due <= at):
        await recover(pool, office.engine)
        await office.desk.expire_approvals()
        await outbox.note_silent(pool)


async def _close_the_day(stage: Stage) -> str:
    office = stage.house.office
    said = await stage.audience.close_the_day(stage.clock.at)
    await seal_audit(office.database, office.settings)
    return f"the day is closed: {said}"


def _platform(world: World, clock: Clock, seed: int) -> VideoHost:
    chance = Random(f"{seed}:views")
    return VideoHost(clock, world.faults, world.token_ends_at, chance, world.warns)


@contextmanager
def _one_chance(seed: int) -> Iterator[None]:
    """Let what draws from Python's own generator draw the same with the same seed."""
    state = random.getstate()
    random.seed(f"{seed}:chance")
    try:
        yield
    finally:
        random.setstate(state)


async def rehearse(  # noqa: PLR0913  # one rehearsal: which, how long, where, how it is watched
    world: World,
    days: float,
    home: Path,
    *,
    seed: int,
    films: int = 0,
    dsns: Dsns | None = None,
    tell: Tell = lambda _at, _what: None,
) -> RehearsalReport:
    """Rehearse so many days in `home`, an empty folder; return what came of it.

    Without `dsns` it has an embedded Postgres of its own, in its home.

    Raises:
        Refused: the database is not empty.
    """
    began = time.monotonic()
    async with AsyncExitStack() as stack:
        stack.enter_context(_one_chance(seed))
        given = dsns
        if given is None:
            server = await stack.enter_async_context(embedded(home / "postgres"))
            passwords: Mapping[str, str] | None = server.role_passwords()
            dsns = Dsns(server.dsn(), server.app_dsn())
        else:
            passwords, dsns = None, given
        await rehearsal.prepare(dsns.admin, world.start)
        await migrate(dsns.admin, migrations_dir(), passwords)
        await rehearsal.close_off(dsns.admin)
        until = world.start + timedelta(days=days)
        named = {} if given is None else {"dsn": given.app, "admin_dsn": given.admin}
        async with _open_stage(world, home, dsns, named, seed, films) as stage:
            await play(stage, until, tell)
            return await gather(stage, until, time.monotonic() - began)


@asynccontextmanager
async def _open_stage(  # as above
    world: World, home: Path, dsns: Dsns, named: Mapping[str, str], seed: int, films: int
) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        clock = await stack.enter_async_context(open_clock(dsns.admin, world.start))
        press = await stack.enter_async_context(
            Press(world.papers, world.start, clock, world.troubles).open()
        )
        host = await stack.enter_async_context(_platform(world, clock, seed).open())
        (home / TOKEN_FILE).write_text(host.token, encoding="ascii")
        settings: Settings = world.settings(home, press.address, host.address, named)
        maker = Films(films)
        stack.enter_context(only({PLATFORM.name: PLATFORM}))
        house = await stack.enter_async_context(
            open_studio(settings, clock, ticks=clock.seconds, stand_ins=maker.stand_ins())
        )
        office = house.office
        pool = office.database.pool
        office.engine.rng.seed(f"{seed}:queue")
        epoch = await stack.enter_async_context(loop.lead(office.database.dsn, pool, HOLDER))
        runner = Runner(pool, epoch, clock, settings.loop.at_once)
        await runner.want(lineup_of(office, lambda: settings))
        yield Stage(
            world=world,
            clock=clock,
            house=house,
            runner=runner,
            hands=await stack.enter_async_context(open_hands(house, clock)),
            people=People(office, host, world.operators, seed, home / TOKEN_FILE),
            audience=Audience(pool, host, home, seed),
            films=maker,
            press=press,
            host=host,
            seed=seed,
        )
