"""Our own figures: medians of the whole path, its stages, its growth, swaps, formats, batches."""

import json
import os
import re
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rendering.material import script_of
from rendering.meter import Metered, metered
from tools.media.tether import LEAN

BOOKAI = Path(sys.executable).parent / "bookai"
REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Ours:
    """One video: how its process was metered, and what it told of itself."""

    run: Metered
    told: dict[str, Any]

    @property
    def cpu_s(self) -> float:
        """Processor seconds in a worker that has been started already."""
        seconds: float = self.told["cpu_s"]
        return seconds

    @property
    def cpu_30_s(self) -> float:
        """The same for thirty seconds of video."""
        return self.cpu_s * 30.0 / self.told["duration_s"]


def make(folder: Path, **order: Any) -> Ours:
    """Make one video in a process of its own."""
    paths = [str(REPOSITORY), str(REPOSITORY / "benchmarks"), os.environ.get("PYTHONPATH", "")]
    env = {**os.environ, **LEAN, "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-m", "rendering.ours", json.dumps({"folder": str(folder), **order})]
    run = metered(command, env=env)
    return Ours(run, json.loads(run.said.splitlines()[-1]))


def median(values: list[float]) -> float:
    """Return the median; of nothing there is none."""
    return statistics.median(values)


def stages(made: list[Ours]) -> dict[str, float]:
    """Return the median processor seconds of each stage."""
    return {
        name: median([one.told["stages"][name] for one in made]) for name in made[0].told["stages"]
    }


def growth(folder: Path, lengths: tuple[float, ...]) -> list[tuple[float, Ours]]:
    """Return one video of each length, seconds."""
    return [(seconds, make(folder / f"{seconds:g}", seconds=seconds)) for seconds in lengths]


def swap_share(folder: Path, single: Ours) -> tuple[float, str]:
    """Return what another shot for one sentence costs of the whole render, and which it was."""
    store = folder / "1" / "scenes"
    first = make(folder, store=str(store))
    kinds = first.told["shots"]
    line = next(n for n, kind in enumerate(kinds) if n and kind != "phrase")
    again = make(folder, store=str(store), swaps={line: "phrase"})
    share = again.told["render_s"] / single.told["render_s"]
    kept = f"{again.told['reused']} of {again.told['parts']} parts kept"
    return share, f"{kinds[line]} to phrase in sentence {line + 1} of {len(kinds)}, {kept}"


def formats_share(folder: Path, single: Ours) -> float:
    """Return what three formats cost, by what one costs."""
    return make(folder, formats=True).told["render_s"] / single.told["render_s"]


def batch(rows: int, workers: int) -> tuple[float, float, float]:
    """Return videos a minute of wall time, processor seconds a video, the largest worker in MiB."""
    with tempfile.TemporaryDirectory(prefix="bookai-batch-") as name:
        folder = Path(name)
        home = folder / "home"
        home.mkdir()
        (home / "studio.toml").write_text("[plugins.c2pa]\nenabled = false\n")
        script = script_of(30.0)
        with (folder / "rows.jsonl").open("w") as file:
            for number in range(rows):
                titled = script.model_copy(update={"title": f"{script.title}, part {number + 1}"})
                file.write(json.dumps({"script": titled.model_dump(mode="json")}) + "\n")
        env = {**os.environ, "BOOKAI_HOME": str(home)}
        command = [BOOKAI, "batch", folder / "rows.jsonl", "--out", folder / "out"]
        began = time.perf_counter()
        run = metered([*command, "--workers", str(workers), "--json"], env=env)
        wall = time.perf_counter() - began
        lines = (folder / "out" / "results.jsonl").read_text().splitlines()
        peak = max(
            float(found) for line in lines for found in re.findall(r'"peak_mib":([\d.]+)', line)
        )
    return 60 * rows / wall, run.cpu_s / rows, peak
