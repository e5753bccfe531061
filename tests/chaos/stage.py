"""One run: start the cast, let it break as scheduled, end it soundly, and let it be judged."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos import cast, judge
from tests.chaos.cast import MARK, Stage
from tests.chaos.schedule import WORKER_OF, Role, Schedule
from tests.chaos.server import Server, pause

TICK_S = 0.005
BROKEN_S = 60.0
STOP_S = 5.0
FINISH_S = 300.0
MAX_STARTS = 12
RESTART_AFTER_S = 0.05

ENCODER = """\
#!/bin/sh
for word in "$@"; do how=$where; where=$word; done
if [ "$how" = stubborn ]; then
  trap '' TERM INT HUP
  exec sleep 40
fi
echo "$how" > "$where"
sleep 0.01
"""
# The same entry twice, once without any lock, and a crowd of notifications for nothing.
DUPLICATE = """
INSERT INTO procrastinate_jobs (queue_name, task_name, priority, lock, queueing_lock, args)
SELECT p.queue_name, p.task_name, p.priority, l.lock, NULL, p.args
  FROM procrastinate_jobs p, LATERAL (VALUES (p.lock), (NULL)) AS l (lock)
 WHERE p.status IN ('todo', 'doing')
"""
NOTIFY = """
SELECT pg_notify('procrastinate_any_queue_v1', '{"type": "job_inserted", "job_id": ' || n || '}')
  FROM generate_series(1, 50) AS n
"""
LATE = """
UPDATE procrastinate_jobs
   SET scheduled_at = now() + make_interval(secs => 0.3),
       priority = (id % 3)::integer
 WHERE status = 'todo'
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended. `fired` are indices of the schedule's faults."""

    schedule: Schedule
    fired: frozenset[int]
    checked: int
    violations: tuple[str, ...]
    seconds: float
    published: int


@dataclass(slots=True)
class _Actor:
    """One process of the cast, and how often it had to be started."""

    role: Role
    pid: int = 0
    starts: int = 0
    frozen_until: float = 0.0
    start_at: float = 0.0
    is_over: bool = False


@dataclass(slots=True)
class _Run:
    stage: Stage
    server: Server
    database: str
    actors: list[_Actor]
    began: float = field(default_factory=time.monotonic)
    struck: set[int] = field(default_factory=set)

    @property
    def elapsed_ms(self) -> float:
        return (time.monotonic() - self.began) * 1000

    def play(self) -> None:
        """Let things break until everything is over, or for the time we have."""
        while time.monotonic() - self.began < BROKEN_S:
            for actor in self.actors:
                self._tend(actor)
            self._strike()
            if next(one for one in self.actors if one.role == "operator").is_over:
                return
            if all(one.pid == 0 and one.starts == MAX_STARTS for one in self.actors):
                return
            pause(TICK_S)

    def end(self) -> None:
        """End the cast as the schedule says; nobody stays."""
        how = signal.SIGTERM if self.stage.schedule.ending == "SIGTERM" else signal.SIGKILL
        for actor in self._living():
            os.kill(actor.pid, signal.SIGCONT)
            os.kill(actor.pid, how)
        deadline = time.monotonic() + STOP_S
        while any(self._living()):
            if time.monotonic() > deadline:
                for actor in self._living():
                    os.kill(actor.pid, signal.SIGKILL)
            for actor in self._living():
                _reap(actor)
            pause(TICK_S)

    def _living(self) -> Iterator[_Actor]:
        return (actor for actor in self.actors if actor.pid)

    def _tend(self, actor: _Actor) -> None:
        now = time.monotonic()
        if actor.pid == 0:
            if not actor.is_over and actor.starts < MAX_STARTS and now >= actor.start_at:
                self._start(actor)
            return
        if actor.frozen_until and now >= actor.frozen_until:
            actor.frozen_until = 0.0
            os.kill(actor.pid, signal.SIGCONT)
        code = _reap(actor)
        if code is None:
            return
        if os.WIFSTOPPED(code):
            freezes = (f.much for f in self.stage.schedule.faults if f.kind.startswith("freeze"))
            longest = max(freezes, default=0)
            actor.frozen_until = now + longest / 1000
        elif actor.role == "operator" and os.WIFEXITED(code) and os.WEXITSTATUS(code) == 0:
            actor.is_over = True
        else:
            actor.start_at = now + RESTART_AFTER_S

    def _start(self, actor: _Actor) -> None:
        struck = self.struck | fired(self.stage)
        faults = [
            (index, fault)
            for index, fault in enumerate(self.stage.schedule.faults)
            if fault.role in (actor.role, WORKER_OF.get(actor.role)) and index not in struck
        ]
        actor.starts += 1
        actor.pid = cast.fork(self.stage, actor.role, faults)

    def _strike(self) -> None:
        for index, fault in enumerate(self.stage.schedule.faults):
            if index in self.struck or not fault.after_ms or self.elapsed_ms < fault.after_ms:
                continue
            self.struck.add(index)
            match fault.kind:
                case "kill after a while":
                    victim = next(one for one in self.actors if one.role == fault.role)
                    if victim.pid:
                        os.kill(victim.pid, signal.SIGKILL)
                    else:
                        self.struck.discard(index)
                case "postgres restart":
                    self.server.restart(signal.SIGINT)
                case "postgres crash":
                    self.server.restart(signal.SIGQUIT)
                case "connection cut":
                    self.server.cut(self.database)
                case "duplicate entries":
                    self.server.execute(self.database, DUPLICATE)
                    self.server.execute(self.database, NOTIFY)
                case "late entries":
                    self.server.execute(self.database, LATE)
                case _:
                    # Else it would be counted as struck, and nothing would have happened.
                    raise ValueError(f"{fault} does not go by the clock")


def perform(schedule: Schedule, server: Server, folder: Path) -> Outcome:
    """Run one schedule on a server; return what came of it."""
    began = time.monotonic()
    database = f"run_{schedule.seed}"
    folder.mkdir()
    (folder / "fired").mkdir()
    encoder = folder / "encoder"
    encoder.write_text(ENCODER)
    encoder.chmod(0o755)
    with server.database(database):
        dsn, admin = server.app_dsn(database), server.admin_dsn(database)
        stage = Stage(schedule, folder, dsn, admin, encoder)
        run = _Run(stage, server, database, [_Actor(role) for role in schedule.cast])
        try:
            run.play()
        finally:
            run.end()
        stuck = () if judge.is_over(stage) else _finish(stage)
        verdict = judge.Verdict(1, stuck, 0) if stuck else judge.sentence(stage)
    left = _orphans(folder)
    violations = (*verdict.violations, *(f"outlived its parent: {one}" for one in left))
    struck = frozenset(run.struck | fired(stage))
    seconds = time.monotonic() - began
    return Outcome(schedule, struck, verdict.checked + 1, violations, seconds, verdict.published)


def fired(stage: Stage) -> set[int]:
    """Return the faults that struck inside processes."""
    return {int(path.name) for path in stage.fired.iterdir()}


def _finish(stage: Stage) -> tuple[str, ...]:
    """Let a sound studio carry on; return why it could not, if so."""
    actor = _Actor("worker-a", pid=cast.fork(stage, None, []))
    deadline = time.monotonic() + FINISH_S
    while time.monotonic() < deadline:
        code = _reap(actor)
        if code == 0:
            return ()
        if code is not None and os.waitstatus_to_exitcode(code) != cast.STUCK:
            return (f"the sound studio ended with {code}: {_last_words(stage)}",)
        if code is not None:
            return (f"stuck, also without faults: {judge.standing(stage)}",)
        pause(TICK_S)
    os.kill(actor.pid, signal.SIGKILL)
    os.waitpid(actor.pid, 0)
    return (f"dead still for {FINISH_S:.0f} s: {judge.standing(stage)}",)


def _last_words(stage: Stage) -> str:
    log = stage.home / "finisher.log"
    return log.read_text(errors="replace")[-1500:] if log.exists() else "it said nothing"


def _reap(actor: _Actor) -> int | None:
    """Return the status of a process that changed its state; it has no id any more if it ended."""
    pid, code = os.waitpid(actor.pid, os.WNOHANG | os.WUNTRACED)
    if pid == 0:
        return None
    if not os.WIFSTOPPED(code):
        actor.pid = 0
    return code


def _orphans(folder: Path) -> list[str]:
    """Find programs that our processes started and that outlived them; end and name them."""
    mark = f"{MARK}={folder}".encode()
    pause(0.02)
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended while we looked, or is not ours to look into
            if mark in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
                os.kill(int(process.name), signal.SIGKILL)
    return found
