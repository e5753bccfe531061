"""A real Prometheus beside the studio, with the rules of deploy/, and what it rang for."""

import json
import shutil
import subprocess
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from benchmarks.unattended.home import ROOT

RULES = ROOT / "deploy/prometheus/alerts.yml"
CONFIG = """
global:
  scrape_interval: 5s
  evaluation_interval: 5s
rule_files:
  - {rules}
scrape_configs:
  - job_name: bookai
    http_sd_configs:
      - url: http://127.0.0.1:{port}/sd
        refresh_interval: 5s
"""
ASK_S = 2.0
STOP_S = 10.0


@dataclass(frozen=True, slots=True)
class Fired:
    """An alert that fired, from and until when in seconds of the run."""

    name: str
    severity: str
    since: float
    until: float


class Alarms:
    """`with Alarms(home, port, program) as alarms:`; `fired` is None without a Prometheus."""

    def __init__(self, home: Path, port: int, program: str | None) -> None:
        self._program = program or shutil.which("prometheus")
        self._home = home
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None
        self._rang: dict[str, Fired] = {}

    @property
    def fired(self) -> tuple[Fired, ...] | None:
        """Return what fired, in order; None when nobody watched."""
        if self._program is None:
            return None
        return tuple(sorted(self._rang.values(), key=lambda one: one.since))

    def __enter__(self) -> "Alarms":
        if self._program is None:
            return self
        folder = self._home / "prometheus"
        folder.mkdir(exist_ok=True)
        config = folder / "prometheus.yml"
        config.write_text(CONFIG.format(rules=RULES, port=self._port), encoding="utf-8")
        log = (folder / "log").open("wb")
        with log:
            self._process = subprocess.Popen(
                [
                    self._program,
                    f"--config.file={config}",
                    f"--storage.tsdb.path={folder / 'data'}",
                    f"--web.listen-address={self._address()}",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def look(self, at: float) -> None:
        """Note what fires now, `at` seconds in."""
        if self._process is None:
            return
        with suppress(OSError, ValueError):
            url = f"http://{self._address()}/api/v1/alerts"
            with urllib.request.urlopen(url, timeout=ASK_S) as answer:
                alerts = json.load(answer)["data"]["alerts"]
            for one in alerts:
                if one["state"] == "firing":
                    name, severity = one["labels"]["alertname"], one["labels"].get("severity", "")
                    since = self._rang[name].since if name in self._rang else at
                    self._rang[name] = Fired(name, severity, round(since, 1), round(at, 1))

    def _address(self) -> str:
        # One above the studio's own ports, of which it takes the next free ones.
        return f"127.0.0.1:{self._port + 50}"
