"""What is lost when agents fail although healthy ones are there: `python benchmarks/failover.py`.

Agents that never err by themselves, and faults from outside: crash, hang, errors, slowness and
flapping, one, two or more at once. At every moment somebody healthy can do each task, so that every
failed task is the router's. Goal: none of 200,000 tasks fails with ours.
"""

import argparse
import sys
from pathlib import Path

from benchmarks.simulation.meter import Result
from benchmarks.simulation.policies import Ours, Policy
from benchmarks.simulation.policies.litellm import LeastBusy, SimpleShuffle
from benchmarks.simulation.policies.plain import TwoChoices
from benchmarks.simulation.policies.weighted import StaticWeights
from benchmarks.simulation.runs import Run, run_all
from benchmarks.simulation.scenarios import FAILOVER
from benchmarks.simulation.world import World

RIVALS: tuple[type[Policy], ...] = (Ours, StaticWeights, SimpleShuffle, LeastBusy, TwoChoices)
TASKS = 200_000
FIRST_SEED = 301
SEEDS = 5


def at_once(runs: list[Run]) -> str:
    """Return how many agents were down at once in these worlds: on average and at most."""
    counts = [
        sum(outage.begins <= second < outage.ends for outage in world.outages)
        for world in (World(run.scenario, run.seed) for run in runs)
        for second in range(70, int(world.scenario.seconds) - 60)
    ]
    return f"{sum(counts) / len(counts):.1f} down at once on average, {max(counts)} at most"


def print_row(name: str, results: list[Result]) -> None:
    tasks = sum(result.tasks for result in results)
    failed = sum(sum(result.failures.values()) for result in results)
    tries = sum(result.attempts * result.tasks for result in results) / tasks
    print(
        f"{name:26}{tasks:9,}{failed:8,}{1 - failed / tasks:11.4%}"
        f"{min(result.worst_10_s for result in results):9.1%}{tries:8.3f}"
        f"{max(result.p99_s for result in results):8.2f} s"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--processes", type=int, help="one a core, when not given")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="run again only what changed")
    options = parser.parse_args()
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    runs = [
        Run(policy, scenario, seed)
        for scenario in FAILOVER.values()
        for policy in RIVALS
        for seed in seeds
    ]
    results = run_all(runs, processes=options.processes, kept=options.keep)
    print(f"{'':26}{'tasks':>9}{'failed':>8}{'ok':>11}{'worst':>9}{'tries':>8}{'p99':>8}")
    for scenario in FAILOVER.values():
        mine = [run for run in runs if run.scenario == scenario]
        print(f"{scenario.name}: {at_once(mine)}" if scenario.outages else f"{scenario.name}:")
        for policy in RIVALS:
            print_row(f"  {policy.name}", [results[run] for run in mine if run.policy is policy])
    print("all:")
    for policy in RIVALS:
        print_row(f"  {policy.name}", [results[run] for run in runs if run.policy is policy])
    ours = [results[run] for run in runs if run.policy is Ours]
    tasks = sum(result.tasks for result in ours)
    failed = sum(sum(result.failures.values()) for result in ours)
    unserved = sum(result.unserved for result in ours)
    met = failed == 0 and tasks >= TASKS
    print(
        f"goal {'met' if met else 'missed'}: {failed} of {tasks:,} tasks failed (goal 0 of "
        f"{TASKS:,}); {unserved} arrived when nobody healthy could do them"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
