"""Kill a run with -9 at random moments and see that it ends well: `make chaos`.

Each round kills `bookai make` (or the approval that publishes) after a random time, with its whole
process group, then carries on. At the end: every job published exactly once, the gallery holds one
page a job, and the audit log verifies. Prints what happened; exits 1 when a promise was broken.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BOOKAI = Path(sys.executable).parent / "bookai"
EXAMPLE = Path(__file__).resolve().parents[2] / "studio" / "examples" / "leap-second.md"


class Broken(Exception):
    """A promise was broken."""


def bookai(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [str(BOOKAI), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def ask(*arguments: str) -> object:
    process = bookai(*arguments, "--json")
    said, complained = process.communicate(timeout=120)
    if process.returncode not in (0, 1) or not said.strip():
        raise Broken(f"bookai {' '.join(arguments)}: {complained[-500:]}")
    return json.loads(said)


def kill_after(process: "subprocess.Popen[str]", seconds: float) -> bool:
    """Kill the group after a while; return whether it was still running."""
    try:
        process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return True
    return False


def job_now() -> dict[str, object] | None:
    jobs = ask("jobs", "--limit", "1")
    assert isinstance(jobs, list)
    return jobs[0] if jobs else None


def carry_on(job: dict[str, object] | None) -> "subprocess.Popen[str]":
    if job is None or job["status"] == "done":
        return bookai("make", str(EXAMPLE))
    if job["status"] == "waiting":
        return bookai("approve", str(job["approval_id"]))
    return bookai("make", "--resume", str(job["job_id"]))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--longest", type=float, default=30.0, help="seconds before a kill")
    parser.add_argument("--seed", type=int, default=random.randrange(10_000))
    options = parser.parse_args()
    rng = random.Random(options.seed)
    print(f"seed {options.seed}")
    with tempfile.TemporaryDirectory(prefix="bkc-", ignore_cleanup_errors=True) as home:
        Path(home).chmod(0o711)
        os.environ["BOOKAI_HOME"] = home
        kills = 0
        while kills < options.kills:
            job = job_now()
            # An approval publishes within seconds: a late kill would always miss it.
            deciding = job is not None and job["status"] == "waiting"
            after = rng.uniform(0.3, 3.0 if deciding else options.longest)
            process = carry_on(job)
            was = f"{job['status']} at {job['stage']}" if job else "nothing yet"
            if kill_after(process, after):
                kills += 1
                print(f"kill {kills:2d} after {after:4.1f} s; before it: {was}", flush=True)
        return judge(home)


def judge(home: str) -> int:
    """Finish the last job, then hold the promises against what is there."""
    deadline = time.monotonic() + 600
    while (job := job_now()) is None or job["status"] != "done":
        if time.monotonic() > deadline:
            raise Broken(f"the job does not end: {job}")
        process = carry_on(job)
        _said, complained = process.communicate(timeout=300)
        if job_now() == job:
            raise Broken(f"no step forward from {job}: {complained[-800:]}")
    jobs, posts = ask("jobs"), ask("publications")
    assert isinstance(jobs, list)
    assert isinstance(posts, list)
    pages = list(Path(home, "gallery", "v").glob("*/index.html"))
    verified = ask("audit", "verify")
    assert isinstance(verified, dict)
    done = [one for one in jobs if one["status"] == "done"]
    print(
        f"{len(jobs)} jobs, {len(done)} done; {len(posts)} posts, {len(pages)} pages; audit log "
        f"{'verifies' if verified['ok'] else verified['problems']}, {verified['events']} events"
    )
    good = (
        len(jobs) == len(done) == len(posts) == len(pages)
        and all(post["state"] == "posted" for post in posts)
        and verified["ok"]
    )
    print("each job published exactly once" if good else "BROKEN: see above")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
