"""What Content Credentials cost: time to sign, time to read, bytes: `python benchmarks/…`.

Goals: at most 20 kB more a video, and the check not twice as long. The baselines, in the same run,
are a plain copy of the file and one decoding of it, which the check does anyway.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from tools.ffmpeg.runner import find_ffmpeg
from tools.provenance.chain import open_identity
from tools.provenance.config import Config
from tools.provenance.manifest import Binding, Order
from tools.provenance.read import read_credentials
from tools.provenance.sign import sign_video

SECONDS = 35
LARGEST_EXTRA = 20_000


def seconds(runs: int, work: Callable[[], object]) -> float:
    """Return the median time of one run."""
    taken = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def film(path: Path) -> None:
    """Write a vertical video about as large as ours are."""
    picture = f"testsrc2=d={SECONDS}:s=1080x1920:r=30"
    subprocess.run(
        [
            *(find_ffmpeg({}), "-v", "error", "-f", "lavfi", "-i", picture),
            *("-f", "lavfi", "-i", f"sine=d={SECONDS}:r=48000", "-preset", "ultrafast"),
            *("-b:v", "3M", "-pix_fmt", "yuv420p", "-c:a", "aac", "-movflags", "+faststart", path),
        ],
        check=True,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    runs = parser.parse_args().runs
    facts = Binding(
        job_id=1,
        source_url="https://example.org/article",
        article_sha256="0" * 64,
        paid_promotion=False,
        draft_kind="extractive",
        writer="extractive",
        voice="espeak",
    )
    with tempfile.TemporaryDirectory(prefix="bkb-") as home:
        config = Config(folder=f"{home}/c2pa")
        order = Order(config=config, title="A title", binding=facts, earlier="")
        raw, video = Path(home, "raw.mp4"), Path(home, "video.mp4")
        film(raw)
        anchors = open_identity(config, datetime.now(UTC)).anchors

        def copy() -> None:
            video.write_bytes(raw.read_bytes())

        def sign() -> None:
            copy()
            sign_video(video, order, datetime.now(UTC))

        def decode() -> None:
            command = [find_ffmpeg({}), "-v", "error", "-i", video, "-f", "null", "-"]
            subprocess.run(command, check=True)

        copied, signed = seconds(runs, copy), seconds(runs, sign)
        read = seconds(runs, lambda: read_credentials(video, anchors))
        decoded = seconds(3, decode)
        extra = video.stat().st_size - raw.stat().st_size
    print(f"copy, the baseline     {copied * 1e3:8.1f} ms")
    print(f"sign and read back     {(signed - copied) * 1e3:8.1f} ms")
    print(f"decode, the baseline   {decoded * 1e3:8.1f} ms")
    print(f"read and verify        {read * 1e3:8.1f} ms, {read / decoded:.1%} of one decoding")
    met = extra <= LARGEST_EXTRA and read < decoded
    print(f"goal {'met' if met else 'missed'}: {extra} bytes more (goal {LARGEST_EXTRA})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
