"""How much of a picture is lost, and what the bare encoding of the same frames costs."""

import json
import subprocess
import tempfile
from pathlib import Path

from rendering.meter import Metered, metered

EVERY = 5  # frames between two that are compared


def vmaf(ffmpeg: Path, video: Path, lossless: Path) -> tuple[float, float]:
    """Return the mean VMAF and the worst of it, 0 to 100."""
    with tempfile.TemporaryDirectory(prefix="bookai-vmaf-") as folder:
        log = Path(folder) / "vmaf.json"
        even = "settb=1/30,setpts=N"
        graph = (
            f"[0:v]{even}[a];[1:v]{even}[b];"
            f"[a][b]libvmaf=n_subsample={EVERY}:n_threads=2:log_fmt=json:log_path={log}"
        )
        command = [ffmpeg, "-v", "error", "-nostdin", "-i", video, "-i", lossless]
        command += ["-lavfi", graph, "-f", "null", "-"]
        subprocess.run(command, check=True, timeout=600)
        pooled = json.loads(log.read_text())["pooled_metrics"]["vmaf"]
    return pooled["mean"], pooled["min"]


def bare_encode(ffmpeg: Path, lossless: Path, folder: Path) -> tuple[Metered, Metered]:
    """Encode the film's frames and nothing else; return that, and what reading them alone costs.

    libx264 as plainly and quickly as it goes at our quality: the floor of whoever codes each frame.
    """
    raw = folder / "frames.yuv"
    subprocess.run(
        [ffmpeg, "-y", "-v", "error", "-i", lossless, "-pix_fmt", "yuv420p", raw],
        check=True,
        timeout=600,
    )
    reading = [ffmpeg, "-y", "-v", "error", "-nostdin", "-f", "rawvideo", "-pix_fmt", "yuv420p"]
    reading += ["-video_size", "1080x1920", "-framerate", "30", "-i", raw]
    x264 = ["-c:v", "libx264", "-preset", "ultrafast", "-qp", "23", "-threads", "1"]
    coded = metered([*reading, *x264, folder / "bare.mp4"])
    read = metered([*reading, "-f", "null", "-"])
    raw.unlink()
    return coded, read
