"""Say why an encoder does not work here, so that a person knows what it would take."""

import re
from collections.abc import Sequence

# What ffmpeg 5 to 9 says when an encoder cannot be opened, the most telling first.
_KNOWN = (
    (r"unknown encoder", "this ffmpeg was built without it"),
    (r"cannot load libcuda", "no NVIDIA driver (libcuda.so.1)"),
    (
        r"cannot load libnvidia-encode",
        "the NVIDIA driver lacks its encoder (libnvidia-encode.so.1)",
    ),
    (r"required nvenc api version", "the NVIDIA driver is too old for this ffmpeg"),
    (
        r"no capable devices found|unsupported device|no encode device",
        "the NVIDIA card{card} has no encoder",
    ),
    (r"cuda_error_no_device|no cuda.capable device", "no NVIDIA card"),
    (r"out of memory", "out of memory"),
    (
        r"no va display found|failed to open the drm device|cannot open.*renderD",
        "no graphics device ({node})",
    ),
    (
        r"failed to initiali[sz]e vaapi|va_driver|vaInitialize",
        "the graphics driver has no VA-API",
    ),
    (r"no usable encoding (profile|entrypoint)", "the graphics card has no H.264 encoder"),
    (r"mfx session|mfx implementation|libvpl", "no Intel Quick Sync (device or driver)"),
)
_VOID = (
    "error while opening encoder",
    "error sending frames",
    "task finished with",
    "terminating thread",
    "could not open encoder",
    "nothing was written",
    "conversion failed",
    "frame=",
)
# What NVIDIA sells without NVENC, though it computes well.
_WITHOUT = re.compile(r"\b(A100|A30|A800|H100|H200|H20|H800|GH200|B100|B200|GB200|V100)\b")


def explain(log: Sequence[str], *, node: str, card: str = "") -> str:
    """Return why an encoder failed, from what ffmpeg logged; `card` is the NVIDIA card's name."""
    text = "\n".join(log)
    for pattern, why in _KNOWN:
        if re.search(pattern, text, re.IGNORECASE):
            return why.format(card=f" ({card})" if card else "", node=node)
    for line in reversed(log):
        said = re.sub(r"^(\[[^\]]*\]\s*)+", "", line).strip()
        if said and not any(void in said.lower() for void in _VOID):
            return said[:160]
    return "it said nothing"


def lacks_encoder(card: str) -> bool:
    """Tell whether this is one of the data-centre cards that were made without an encoder."""
    return _WITHOUT.search(card) is not None
