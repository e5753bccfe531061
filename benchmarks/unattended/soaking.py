"""One soak: start everything, break it by the clock, let it calm down, judge what is left."""

import random
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import psycopg

from benchmarks.unattended import home, meter, stubs
from benchmarks.unattended.alarms import Alarms, Fired
from benchmarks.unattended.approver import Approver
from benchmarks.unattended.feeds import Feeds, open_feeds
from benchmarks.unattended.verdict import Verdict, judge, left, under_way
from bookai.db.embedded import EmbeddedPostgres

SAMPLE_S = 5.0
STEP_S = 0.25
STORY_EVERY_S = 20.0
JOB_EVERY_S = 90
CHANNELS = 4
DARK_S = 100.0
CALM_S = 60.0
START_S = 120.0
DRAIN_S = 300.0
RESTARTS = ((0.2, signal.SIGINT), (0.4, signal.SIGQUIT), (0.6, signal.SIGKILL))
DARK_AT = 0.75
# Only who lives long can be seen to leak: these two are not killed before the dark.
SPARED = ("loop-b", "worker-b")
ALIVE = "SELECT count(*) FROM loop_epochs WHERE ended_at IS NULL"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a soak is told."""

    seconds: float
    speed: float
    seed: int
    kill_every_s: float
    with_stubs: bool
    keep: Path | None
    prometheus: str | None


@dataclass(frozen=True, slots=True)
class Sample:
    """Memory of everything and of Postgres alone, in MiB, and connections, `at` seconds in.

    `spared_mib` is the memory of those that are not killed. `whole`: nobody was missing or had just
    begun, so it can be compared with others.
    """

    at: float
    studio_mib: float
    postgres_mib: float
    connections: int
    whole: bool = True
    spared_mib: float = 0.0


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was done to the studio, `at` seconds in."""

    at: float
    what: str


@dataclass(frozen=True, slots=True)
class Found:
    """What came of a soak."""

    seconds: float
    samples: tuple[Sample, ...]
    events: tuple[Event, ...]
    starts: dict[str, int]
    exits: dict[str, int | None]
    alerts: tuple[Fired, ...] | None
    approved: int
    verdict: Verdict
    others_cores: float

    @property
    def is_kept(self) -> bool:
        """Tell whether every promise was kept."""
        return not self.verdict.broken and not self.verdict.not_told

    @property
    def exit_code(self) -> int:
        """Return 0 when every promise was kept, 1 when one was broken, 2 when one is not told."""
        return 1 if self.verdict.broken else 2 if self.verdict.not_told else 0


@dataclass(slots=True)
class _Soak:
    plan: Plan
    server: home.Server
    units: list[home.Unit]
    alarms: Alarms
    rng: random.Random
    began: float = field(default_factory=time.monotonic)
    samples: list[Sample] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    held: set[str] = field(default_factory=set)
    next_sample: float = 0.0
    dark_at: float = 0.0

    @property
    def at(self) -> float:
        return time.monotonic() - self.began

    def note(self, what: str) -> None:
        self.events.append(Event(round(self.at, 1), what))
        sys.stderr.write(f"{self.at:7.1f} s  {what}\n")

    def step(self) -> None:
        """Keep everybody alive and write down what is used."""
        for unit in self.units:
            if unit.name not in self.held:
                unit.tend()
        if self.at >= self.next_sample:
            self.next_sample = self.at + SAMPLE_S
            self._sample()
            self.alarms.look(self.at)
        home.pause(STEP_S)

    def _sample(self) -> None:
        pids = [unit.process.pid for unit in self.units if unit.process]
        with suppress(psycopg.Error, OSError, FileNotFoundError):
            with psycopg.connect(
                self.server.postgres.dsn(), autocommit=True, connect_timeout=2
            ) as con:
                count = meter.connections(con)
            postgres = meter.pss_mib([self.server.pid])
            whole = all(unit.is_settled for unit in self.units)
            own = [one.process.pid for one in self.units if one.name in SPARED and one.process]
            studio, spared = meter.pss_mib(pids), meter.pss_mib(own)
            self.samples.append(Sample(self.at, studio, postgres, count, whole, spared))

    def wait(self, seconds: float) -> None:
        until = self.at + seconds
        while self.at < until:
            self.step()

    def shake(self) -> None:
        """Break things until the time is over."""
        whole = self.plan.seconds - CALM_S
        restarts = [(share * whole, how) for share, how in RESTARTS]
        dark_at, next_kill = DARK_AT * whole, self.plan.kill_every_s
        self.began = time.monotonic()
        while self.at < whole:
            self.step()
            if restarts and self.at >= restarts[0][0]:
                _, how = restarts.pop(0)
                away = self.server.restart(how)
                self.note(f"Postgres {how.name}, away for {away:.1f} s")
            if self.at >= next_kill:
                next_kill += self.plan.kill_every_s
                self._kill()
            if dark_at and self.at >= dark_at:
                dark_at = 0.0
                self._darken()
        self.note("calm")
        self.wait(CALM_S)

    def _kill(self) -> None:
        victims = [unit for unit in self.units if unit.process and unit.name not in SPARED]
        if not victims:
            return
        victim = self.rng.choice(victims)
        if victim.signal(signal.SIGKILL):
            self.note(f"kill -9 {victim.name}")

    def _darken(self) -> None:
        """Let nobody lead for a while: an alert must say so."""
        loops = [unit for unit in self.units if unit.name.startswith("loop")]
        self.held = {unit.name for unit in loops}
        for unit in loops:
            unit.signal(signal.SIGKILL)
        self.dark_at = self.at
        self.note("dark: no loop runs")
        self.wait(DARK_S)
        self.held = set()
        self.note("the loops are back")

    def drain(self, con: psycopg.Connection) -> dict[int, str]:
        """Let the workers bring every job to its end; return those that did not get there."""
        until = self.at + DRAIN_S
        while under_way(con):
            if self.at >= until:
                return left(con)
            self.step()
        return {}


def soak(plan: Plan) -> Found:
    """Run it; return what came of it."""
    with ExitStack() as stack:
        folder = stack.enter_context(home.short_folder(plan.keep))
        feeds = stack.enter_context(open_feeds(STORY_EVERY_S))
        ports = [_free_port() for _ in range(2)]
        home.write_settings(folder, settings_text(feeds, ports[1]))
        stubs.make_film(folder)
        server = home.Server(folder)
        server.postgres.start()
        stack.callback(server.postgres.stop)
        units = _units(plan, folder, ports)
        for unit in units:
            stack.callback(unit.stop)
        alarms = stack.enter_context(Alarms(folder, ports[0], plan.prometheus))
        work = _Soak(plan, server, units, alarms, random.Random(plan.seed))
        _start(work)
        machine, own = meter.machine_s(), _own_s(work)
        with Approver(folder) as approver:
            work.shake()
            others = (meter.machine_s() - machine - (_own_s(work) - own)) / work.at
            return _end(work, folder, approver, others)


def _start(work: _Soak) -> None:
    """Start everybody; a process that comes first makes the tables."""
    work.units[0].start()
    work.wait(5.0)
    until = work.at + START_S
    while work.at < until and not _is_led(work.server.postgres):
        work.step()
    work.wait(5.0)
    work.samples.clear()


def _end(work: _Soak, folder: Path, approver: Approver, others: float) -> Found:
    loops = [unit for unit in work.units if unit.name.startswith("loop")]
    with psycopg.connect(work.server.postgres.dsn(), autocommit=True) as con:
        ticks = judge.ticks(con)
        work.held = {unit.name for unit in loops}
        exits = {unit.name: unit.stop() for unit in loops}
        stayed = work.drain(con)
        approver.raise_error()
        exits |= {unit.name: unit.stop() for unit in work.units if unit.name not in exits}
        # Before the dark: there blows fell all the time, so early and late are alike.
        alike = [one for one in work.samples if one.whole and one.at < work.dark_at]
        verdict = judge.all(con, folder, ticks, alike, work.alarms.fired, stayed)
        hung = [name for name, code in exits.items() if code == -signal.SIGKILL]
        killed = tuple(f"{one} did not stop within {home.STOP_S:g} s" for one in hung)
        verdict = replace(verdict, broken=(*verdict.broken, *killed))
    return Found(
        seconds=work.at,
        samples=tuple(work.samples),
        events=tuple(work.events),
        starts={unit.name: unit.starts for unit in work.units},
        exits=exits,
        alerts=work.alarms.fired,
        approved=approver.approved,
        verdict=verdict,
        others_cores=others,
    )


def settings_text(feeds: Feeds, http_port: int) -> str:
    """Return studio.toml: four channels, each with a feed, all into the local gallery."""
    lines = [f"http_port = {http_port}", 'allow_private = ["127.0.0.1"]']
    lines += ["", "[approvals]", "single_operator = true"]
    for number in range(CHANNELS):
        lines += ["", f"[channels.soak{number}]", 'platform = "gallery"']
        lines += ["", "[[sources]]", f'url = "{feeds.url(number)}"']
        lines += [f'channel = "soak{number}"', f"every_s = {JOB_EVERY_S}"]
    return "\n".join(lines) + "\n"


def _units(plan: Plan, folder: Path, ports: list[int]) -> list[home.Unit]:
    environment = home.environment_of(
        folder, speed=plan.speed, with_stubs=plan.with_stubs, port=ports[0]
    )
    wanted = {
        "loop-a": ("loop",),
        "loop-b": ("loop",),
        "worker-a": ("worker",),
        "worker-b": ("worker",),
        "serve": ("serve",),
    }
    return [
        home.Unit(name, arguments, environment, folder / f"{name}.log")
        for name, arguments in wanted.items()
    ]


def _is_led(postgres: EmbeddedPostgres) -> bool:
    with (
        suppress(psycopg.Error),
        psycopg.connect(postgres.dsn(), autocommit=True, connect_timeout=2) as con,
    ):
        row = con.execute(ALIVE).fetchone()
        return bool(row and row[0])
    return False


def _own_s(work: _Soak) -> float:
    return sum(
        meter.cpu_s(pid)
        for pid in (work.server.pid, *(one.process.pid for one in work.units if one.process))
    )


def _free_port() -> int:
    with _bound() as port:
        return port


@contextmanager
def _bound() -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        yield probe.getsockname()[1]
