"""The machine's systemd: what it is, and the few commands we give it."""

import os
import pwd
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from bookai.errors import OperatorNeeded
from studio.install.place import Scope

BOOTED = Path("/run/systemd/system")
LINGER = Path("/var/lib/systemd/linger")
# A unit is ready after its migrations, at most after TimeoutStartSec.
START_S = 330.0
SHORT_S = 60.0


@dataclass(frozen=True, slots=True)
class Machine:
    """One manager, the system's or a user's; paths are arguments so that tests bring their own."""

    scope: Scope
    booted: Path = BOOTED
    linger: Path = LINGER
    user: str = field(default_factory=lambda: _user_name())

    def check(self) -> None:
        """Refuse where the units could not run.

        Raises:
            OperatorNeeded: there is no systemd here, no right to it, or none without a login.
        """
        if not self.booted.is_dir() or not shutil.which("systemctl"):
            raise OperatorNeeded(
                "this machine is not run by systemd.",
                mend="Start `bookai loop` and `bookai serve` with what supervises it here; "
                "`bookai install --dry-run` shows the units all the same.",
            )
        if self.scope == "system":
            if os.geteuid() != 0:
                raise OperatorNeeded(
                    "only root installs system units.",
                    mend="Run it with sudo, or install for yourself: bookai install --user",
                )
        elif os.geteuid() == 0:
            raise OperatorNeeded(
                "root's own user units end with root's login.",
                mend="Use --system, or log in as the user who runs the studio.",
            )
        elif not (self.linger / self.user).exists():
            raise OperatorNeeded(
                f"without lingering, systemd ends the units of {self.user!r} at logout.",
                mend=f"Once: sudo loginctl enable-linger {self.user}",
            )

    def version(self) -> int:
        """Return systemd's version; 252, the oldest that we know, where it cannot be asked."""
        try:
            said = self._call(["systemctl", "--version"], SHORT_S).stdout
        except OperatorNeeded:
            return 252
        found = re.match(r"systemd (\d+)", said)
        return int(found[1]) if found else 252

    def run(self, *words: str, timeout_s: float = SHORT_S) -> None:
        """Give `systemctl` a command.

        Raises:
            OperatorNeeded: it fails; says what it said.
        """
        done = self._call(self.command(*words), timeout_s)
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines() or ["it said nothing"]
            logs = "journalctl --user" if self.scope == "user" else "journalctl"
            raise OperatorNeeded(
                f"{' '.join(self.command(*words))}: {said[0][:300]}",
                mend=f"Why: {logs} -t bookai -t systemd -n 40",
            )

    def command(self, *words: str) -> list[str]:
        """Return the whole command line."""
        return ["systemctl", *(["--user"] if self.scope == "user" else []), *words]

    def complaints(self, units: list[Path]) -> list[str]:
        """Return what `systemd-analyze verify` has against these files; none where it is absent."""
        if not shutil.which("systemd-analyze"):
            return []
        user = ["--user"] if self.scope == "user" else []
        verify = ["systemd-analyze", *user, "verify", "--man=no", *map(str, units)]
        # It exits 0 even for an unknown key, so its words are the judgement.
        done = self._call(verify, SHORT_S, units[0].parent)
        said = done.stderr.splitlines()
        ours = [line for line in said if "bookai" in line]
        return ours or (said[-1:] if done.returncode else [])

    def _call(
        self, command: list[str], timeout_s: float, else_there: Path | None = None
    ) -> "subprocess.CompletedProcess[str]":
        # `sudo -u` and the like leave out where the user's manager listens.
        usual = Path(f"/run/user/{os.getuid()}")
        there = else_there if else_there and not usual.is_dir() else usual
        environment = {"XDG_RUNTIME_DIR": str(there), **os.environ}
        try:
            return subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=timeout_s,
                check=False,
                env=environment,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            what = "no end" if isinstance(error, subprocess.TimeoutExpired) else "it cannot run"
            raise OperatorNeeded(
                f"{' '.join(command)}: {what}.", mend="Look: systemctl status 'bookai*'"
            ) from error


def _user_name() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid-{os.getuid()}"
