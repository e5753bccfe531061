"""What a video costs, ours and others', in one run: `python benchmarks/render.py --runs 5`.

A script of half a minute becomes a checked 1080x1920 video of 30 frames a second. Wall time,
processor seconds and peak memory are those of whole process trees, of the median run; "others" says
how many cores were busy with something else meanwhile (over 0.1, wall time says little; processor
seconds always count). VMAF compares with our own render without loss.

    --peer-python PY   a Python that has moviepy 2: plain MoviePy is measured too
    --peer-mpt DIR     MoneyPrinterTurbo's code, for PY: its own composition too (minutes)

Goals: at most 7 CPU seconds for 30 s at VMAF 90, 500 MiB a worker, linear to 180 s, a fortieth of
MoneyPrinterTurbo, a fifth of an ffmpeg graph; a swap at most 25 % of a render, three formats 2.2
times one, a batch within 10 % of its workers times one.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from rendering import peers
from rendering.material import write_pictures
from rendering.meter import Metered
from rendering.quality import bare_encode, vmaf
from rendering.whole import (
    Ours,
    batch,
    formats_share,
    growth,
    make,
    median,
    stages,
    swap_share,
)

from bookai.models import Voiceover
from tools.ffmpeg.runner import find_ffmpeg

CPU_S, VMAF, PEAK_MIB, TURBO, GRAPH = 7.0, 90.0, 500.0, 40.0, 5.0
SWAP, FORMATS, BATCH, LINEAR = 0.25, 2.2, 0.9, 1.1
LENGTHS = (10.0, 30.0, 60.0, 180.0)


def row(name: str, run: Metered, size: int, quality: str = "") -> None:
    """Print one line of the table."""
    print(
        f"{name:<36}{run.wall_s:8.1f}{run.cpu_s:8.1f}{run.peak_mib:8.0f}{size / 1e6:8.1f}"
        f"{run.others:8.2f}  {quality}",
        flush=True,
    )


def goal(text: str, met: bool) -> None:
    """Print whether a goal is met."""
    print(f"goal {'met' if met else 'missed'}: {text}", flush=True)


def ours(folder: Path, runs: int, ffmpeg: Path) -> tuple[Ours, list[str]]:
    """Measure the whole path with drawn cards and with photographs; return the median run."""
    pictures = [str(one) for one in write_pictures(folder / "pictures")]
    middle, bad = None, []
    for name, order in (("cards", {}), ("photographs", {"pictures": pictures})):
        made = [make(folder / name, **order) for _ in range(runs)]
        bad += [f"{name}: {one}" for one in made[0].told["failed"]]
        make(folder / f"{name}-lossless", lossless=True, **order)
        video, lossless = (folder / one / "1" / "video.mp4" for one in (name, f"{name}-lossless"))
        mean, worst = vmaf(ffmpeg, video, lossless)
        chosen = sorted(made, key=lambda one: one.cpu_s)[len(made) // 2]
        row(
            f"ours, {name}", chosen.run, chosen.told["size_bytes"], f"VMAF {mean:.1f} ({worst:.1f})"
        )
        warm = median([one.cpu_30_s for one in made])
        print(f"    in a worker that lives on: {warm:.2f} CPU s for 30 s of video")
        for stage, seconds in stages(made).items():
            print(f"    {stage:<22}{seconds:7.2f} CPU s")
        coded, read = bare_encode(ffmpeg, lossless, folder)
        floor = coded.cpu_s - read.cpu_s
        print(f"    floor: a bare encode of the same frames {floor:.1f} CPU s")
        goal(f"{warm:.1f} CPU s for 30 s, {name} (at most {CPU_S:g})", warm <= CPU_S)
        goal(f"VMAF {mean:.1f}, {name} (at least {VMAF:g})", mean >= VMAF)
        peak = median([one.run.peak_mib for one in made])
        goal(f"{peak:.0f} MiB, {name} (at most {PEAK_MIB:g})", peak <= PEAK_MIB)
        middle = middle or chosen
    assert middle is not None
    return middle, bad


def shares(folder: Path, single: Ours) -> None:
    """Measure growth with length, a swap, and three formats."""
    grown = growth(folder / "lengths", LENGTHS)
    print("length s   CPU s   CPU s a second   peak MiB")
    for _, made in grown:
        length = made.told["duration_s"]
        print(f"{length:8.0f}{made.cpu_s:8.1f}{made.cpu_s / length:17.3f}{made.run.peak_mib:11.0f}")
    rates = [made.cpu_s / made.told["duration_s"] for _, made in grown]
    linear = rates[-1] / rates[1]
    goal(f"180 s cost {linear:.2f} times 30 s, a second (at most {LINEAR:g})", linear <= LINEAR)
    share, what = swap_share(folder / "swap", single)
    goal(f"a swap ({what}) {share:.0%} of a render (at most {SWAP:.0%})", share <= SWAP)
    times = formats_share(folder / "formats", single)
    goal(f"three formats {times:.2f} times one (at most {FORMATS:g})", times <= FORMATS)


def batches(rows: int) -> None:
    """Measure a batch on one worker and on all cores."""
    cores = len(os.sched_getaffinity(0))
    one, _, _ = batch(max(4, rows // 4), 1)
    many, cpu_s, peak = batch(rows, cores)
    print(f"batch of {rows} on {cores} workers: {many:.1f} a minute, {many * 1440:,.0f} a day,")
    print(f"    {cpu_s:.2f} CPU s a video, start of the workers and all; {peak:.0f} MiB a worker")
    share = many / (cores * one)
    goal(f"{share:.0%} of {cores} times one worker (at least {BATCH:.0%})", share >= BATCH)


def others(folder: Path, single: Ours, options: argparse.Namespace, ffmpeg: Path) -> None:
    """Measure the peers, once each: they take minutes and CPU seconds hardly vary."""
    voice = Voiceover.model_validate(single.told["voice"])
    material = peers.prepare(folder / "material", voice, ffmpeg)
    found = peers.graphs(ffmpeg, material, folder)
    quickest = found[0].run.cpu_s
    if options.peer_python:
        found.append(peers.moviepy(options.peer_python, material, folder))
    slowest = []
    if options.peer_python and options.peer_mpt:
        for kind in ("clips", "pictures"):
            peer = peers.turbo(options.peer_python, options.peer_mpt, material, folder, kind)
            found.append(peer)
            slowest.append(peer.run.cpu_s)
    for peer in found:
        row(peer.name, peer.run, peer.video.stat().st_size, peer.steps)
    times = quickest / single.cpu_s
    goal(f"{times:.1f} times less than the quickest graph (at least {GRAPH:g})", times >= GRAPH)
    if slowest:
        times = min(slowest) / single.cpu_s
        goal(f"{times:.0f} times less than MoneyPrinterTurbo (at least {TURBO:g})", times >= TURBO)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--rows", type=int, default=100, help="videos in the batch; 0: none")
    parser.add_argument("--peer-python", type=Path)
    parser.add_argument("--peer-mpt", type=Path)
    parser.add_argument("--keep", type=Path, help="keep the files there")
    options = parser.parse_args()
    ffmpeg = find_ffmpeg({})
    with tempfile.TemporaryDirectory(prefix="bookai-render-") as name:
        folder = (options.keep or Path(name)).absolute()
        print(f"{'':<36}{'wall s':>8}{'CPU s':>8}{'MiB':>8}{'MB':>8}{'others':>8}")
        single, bad = ours(folder, options.runs, ffmpeg)
        shares(folder, single)
        if options.rows:
            batches(options.rows)
        others(folder / "peers", single, options, ffmpeg)
    for one in bad:
        print(f"check failed: {one}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
