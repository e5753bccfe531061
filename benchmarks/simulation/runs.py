"""Run policies through worlds, several at once, and keep what was run in a folder."""

import hashlib
import inspect
import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import bookai.router
from benchmarks.simulation import engine, meter, scenarios, waiting, world
from benchmarks.simulation.engine import simulate
from benchmarks.simulation.meter import Result
from benchmarks.simulation.policies import Ours, Policy
from benchmarks.simulation.scenarios import Scenario

WORLD = (engine, meter, scenarios, waiting, world)


@dataclass(frozen=True, slots=True)
class Run:
    policy: type[Policy]
    scenario: Scenario
    seed: int

    def execute(self) -> Result:
        return simulate(self.policy, self.scenario, self.seed)

    def key(self) -> str:
        """Return a name that changes with anything that could change the result."""
        params = getattr(self.policy, "params", None)
        facts = (self.policy.name, params, self.scenario, self.seed, _sources(self.policy))
        return hashlib.sha256(repr(facts).encode()).hexdigest()


def execute(run: Run) -> Result:
    return run.execute()


def run_all(
    runs: Iterable[Run], *, processes: int | None = None, kept: Path | None = None
) -> dict[Run, Result]:
    """Return the result of each run, from the folder `kept` where it has been run before."""
    results: dict[Run, Result] = {}
    missing = []
    for run in runs:
        place = kept / f"{run.key()}.json" if kept else None
        if place and place.exists():
            results[run] = Result(**json.loads(place.read_text(encoding="utf-8")))
        else:
            missing.append(run)
    if kept:
        kept.mkdir(parents=True, exist_ok=True)
    for run, result in zip(missing, _executed(missing, processes), strict=True):
        results[run] = result
        if kept:
            text = json.dumps(result.as_json())
            (kept / f"{run.key()}.json").write_text(text, encoding="utf-8")
    return results


def _executed(runs: list[Run], processes: int | None) -> Iterator[Result]:
    if processes == 1:
        yield from map(execute, runs)
    else:
        with ProcessPoolExecutor(processes) as pool:
            yield from pool.map(execute, runs)


def _sources(policy: type[Policy]) -> str:
    """Return a digest of the code that a run depends on."""
    paths = {Path(inspect.getfile(module)) for module in WORLD}
    here = [base for base in policy.__mro__ if issubclass(base, Policy)]
    paths |= {Path(inspect.getfile(base)) for base in here}
    if issubclass(policy, Ours):
        paths |= set(Path(inspect.getfile(bookai.router)).parent.glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(paths))).hexdigest()
