"""What graphics hardware this machine shows, without touching it."""

import re
from pathlib import Path

_NODES = re.compile(r"dri/renderD\d+|nvidia\d+|dxg")


def device_nodes(dev: Path = Path("/dev")) -> tuple[str, ...]:
    """Return the graphics devices, such as '/dev/dri/renderD128' and '/dev/nvidia0'."""
    found = [*dev.glob("dri/*"), *dev.glob("nvidia*"), *dev.glob("dxg")]
    return tuple(sorted(str(one) for one in found if _NODES.search(one.as_posix())))


def nvidia_card(proc: Path = Path("/proc/driver/nvidia/gpus")) -> str:
    """Return the first NVIDIA card's name as its driver tells it, or ''."""
    for told in sorted(proc.glob("*/information")):
        try:
            model = re.search(r"^Model:\s*(.+)$", told.read_text("utf-8", "replace"), re.MULTILINE)
        except OSError:
            continue
        if model:
            return model[1].strip()
    return ""
