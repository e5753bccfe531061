"""The installed units under a real systemd, booted for this test in namespaces of its own.

    make box      (as root; some minutes; nothing of this machine is changed)

`boot.sh` says what the box is. Everything inside is an operator's: `bookai install`, systemctl,
journalctl; the studio makes a real video with the built-in writer and no network.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[1]
SYSTEMD = Path("/lib/systemd/systemd")
BOOKAI = "/opt/bookai/.venv/bin/bookai"
STATE = "/var/lib/private/bookai"
UNITS = ("bookai-postgres", "bookai-mcp", "bookai-loop", "bookai-worker@1")
SECRET = "sk-box-0123456789"

pytestmark = [
    pytest.mark.timeout(1200),
    pytest.mark.skipif(
        os.environ.get("BOOKAI_TEST_BOX") != "1" or os.geteuid() != 0 or not SYSTEMD.exists(),
        reason="boots a systemd of its own: make box, as root, where systemd is installed",
    ),
]


@dataclass(frozen=True, slots=True)
class Box:
    """A running systemd; `init` is its process as we see it."""

    init: int

    def run(self, *command: str, fails: bool = False) -> str:
        """Run a command inside and return what it printed."""
        enter = ["nsenter", "-t", str(self.init)]
        enter += ["--mount", "--pid", "--net", "--ipc", "--uts", "--cgroup", "--root"]
        env = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "BOOKAI_HOME=/var/lib/bookai"]
        done = subprocess.run(
            [*enter, *env, "bash", "-c", 'cd /; exec "$@"', "_", *command],
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
        assert fails or done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def show(self, unit: str, what: str) -> str:
        return self.run("systemctl", "show", "-P", what, unit).strip()

    def until(self, so: str, *command: str, within_s: float = 300) -> str:
        """Ask again until the answer holds `so`."""
        deadline = time.monotonic() + within_s
        while so not in (said := self.run(*command, fails=True)):
            assert time.monotonic() < deadline, said
        return said


@contextmanager
def cgroup() -> Iterator[Path]:
    """Lend a group of its own: inside, nothing else of this machine can be seen or moved."""
    top = Path("/sys/fs/cgroup/unified")
    group = (top if top.is_dir() else Path("/sys/fs/cgroup")) / f"box-{os.getpid()}"
    group.mkdir()
    try:
        yield group
    finally:
        deadline = time.monotonic() + 20
        while group.is_dir() and time.monotonic() < deadline:  # its processes are still ending
            for folder, _, _ in os.walk(group, topdown=False):
                with suppress(OSError):
                    Path(folder).rmdir()


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    room = Path(tempfile.mkdtemp(prefix="box-"))
    with cgroup() as group:
        started = subprocess.Popen(
            ["bash", "-c", f'echo $BASHPID > {group}/cgroup.procs; exec "$@"', "_",
             "unshare", "--mount", "--pid", "--net", "--ipc", "--uts", "--cgroup", "--fork",
             "--kill-child", "bash", str(HERE / "boot.sh")],
            env={**os.environ, "ROOM": str(room), "CHECKOUT": str(CHECKOUT),
                 "VENV": sys.prefix, "PYTHON": sys.base_prefix},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            children = Path(f"/proc/{started.pid}/task/{started.pid}/children")
            deadline = time.monotonic() + 60
            init = ""
            while "systemd" not in (init and Path(f"/proc/{init}/comm").read_text()):
                assert started.poll() is None, "it does not boot"
                assert time.monotonic() < deadline, "it does not boot in a minute"
                init = children.read_text().strip()
            made = Box(int(init))
            made.until("running", "systemctl", "is-system-running", within_s=60)
            yield made
        finally:
            started.kill()
            started.wait()
    shutil.rmtree(room, ignore_errors=True)


@pytest.fixture(scope="module")
def installed(box: Box) -> Box:
    secret = f"printf {SECRET} > /etc/credstore/bookai.OPENAI_API_KEY; chmod 600 /etc/credstore/*"
    box.run("bash", "-c", secret)
    box.run(BOOKAI, "install", "--system", "--with-postgres", "--workers", "1")
    return box


def test_every_unit_is_ready_and_stays_without_a_restart(installed: Box) -> None:
    assert [installed.show(unit, "ActiveState") for unit in UNITS] == ["active"] * 4
    assert [installed.show(unit, "NRestarts") for unit in UNITS] == ["0"] * 4
    assert installed.show("bookai.target", "ActiveState") == "active"


def test_a_log_line_has_fields_in_the_journal(installed: Box) -> None:
    said = installed.run("journalctl", "BOOKAI_ACTION=postgres_up", "-o", "cat")

    assert "Postgres is up" in said


def test_a_secret_reaches_the_unit_and_no_environment(installed: Box) -> None:
    pid = installed.show("bookai-loop", "MainPID")

    assert installed.run("ls", "/run/credentials/bookai-loop.service").split() == ["OPENAI_API_KEY"]
    assert SECRET not in installed.run("cat", f"/proc/{pid}/environ").replace("\0", "\n")
    assert SECRET not in installed.run("journalctl", "-o", "export")


def tries_at_render(box: Box) -> list[str]:
    """Return each beginning of a render and each outcome, in order, as the log tells them."""
    told = box.run(BOOKAI, "audit", "search", "--kind", "agent.", "--limit", "1000", "--json")
    lines = [line for line in told.splitlines() if line.startswith("{")]
    bodies = [json.loads(json.loads(line)["body"]) for line in reversed(lines)]
    return [one.get("outcome", "begun") for one in bodies if one.get("capability") == "render"]


def test_a_stop_under_a_render_lets_it_finish(installed: Box) -> None:
    # The worker alone renders, so that it is the one who has the job.
    installed.run("systemctl", "stop", "bookai-worker@1")
    installed.run("cp", "/opt/bookai/studio/examples/leap-second.md", f"{STATE}/a.md")
    toml = f"printf '[[sources]]\\nurl = \"/var/lib/bookai/a.md\"\\n' > {STATE}/studio.toml"
    installed.run("bash", "-c", f"{toml}; chmod 644 {STATE}/*.md {STATE}/studio.toml")
    installed.run("systemctl", "restart", "bookai-loop")
    chosen = ("audit", "search", "--kind", "agent.chosen")
    installed.until('"capability":"render"', BOOKAI, *chosen)

    begun = tries_at_render(installed)
    installed.run("systemctl", "stop", "bookai-loop")
    finished = tries_at_render(installed)

    assert installed.show("bookai-loop", "Result") == "success"
    installed.run("systemctl", "start", "bookai-loop", "bookai-worker@1")
    installed.until("waiting", BOOKAI, "jobs")
    assert begun == ["begun"], "it was not stopped under the render"
    assert finished == ["begun", "ok"]
    assert tries_at_render(installed) == finished, "the film was made anew"
    assert "sealed" in installed.run(BOOKAI, "audit", "verify")


def test_a_killed_process_comes_back(installed: Box) -> None:
    installed.run("systemctl", "kill", "-s", "KILL", "bookai-worker@1")

    installed.until("1", "systemctl", "show", "-P", "NRestarts", "bookai-worker@1")
    installed.until("active\n", "systemctl", "is-active", "bookai-worker@1")


def test_a_frozen_keeper_of_the_database_is_found_by_the_watchdog(installed: Box) -> None:
    installed.run("systemctl", "kill", "-s", "STOP", "--kill-who=main", "bookai-postgres")

    installed.until("1", "systemctl", "show", "-P", "NRestarts", "bookai-postgres")
    installed.until("audit:", BOOKAI, "status")
    for unit in UNITS:
        installed.until("active\n", "systemctl", "is-active", unit)


def test_installing_again_changes_nothing(installed: Box) -> None:
    before = [installed.show(unit, "InvocationID") for unit in UNITS]

    said = installed.run(BOOKAI, "install", "--system", "--with-postgres", "--workers", "1")

    assert "wrote" not in said
    assert [installed.show(unit, "InvocationID") for unit in UNITS] == before


def test_uninstalling_stops_and_removes_all_and_keeps_the_data(installed: Box) -> None:
    installed.run(BOOKAI, "uninstall", "--system")

    assert (
        installed.run("bash", "-c", "ls -d /etc/systemd/system/*bookai* || true").count("No") == 1
    )
    assert "postgres" not in installed.run("ps", "-e", "-o", "comm")
    assert "studio.toml" in installed.run("ls", STATE)
