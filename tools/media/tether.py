"""Child processes that do not outlive us: kill -9 leaves no time to end them."""

import ctypes
import os
import re
import signal
import sys
from collections.abc import Callable, Mapping

_PR_SET_PDEATHSIG = 1
# Loaded before any fork: between fork and exec a child must not import or allocate much.
_PRCTL = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


LEAN = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
"""Environment of a process that renders, one a core.

Libraries that start threads of their own would only fight over it; and glibc's heap of its own for
each thread kept 50 to 150 MiB that nobody used.
"""


_LENT = re.compile(
    r"PATH|HOME|LANG|LANGUAGE|LC_\w+|TZ|TMPDIR|PYTHON\w+|VIRTUAL_ENV|BOOKAI_FFMPEG|XDG_\w+"
    r"|LD_LIBRARY_PATH|FONTCONFIG_\w+|(?:CUDA|NVIDIA|LIBVA|VDPAU|DRI|ESPEAK)_\w+|IMAGEIO_FFMPEG_EXE"
)


def lent(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return what a child gets to see of the environment: no secret of ours is among it."""
    return {name: value for name, value in environment.items() if _LENT.fullmatch(name)}


def tether() -> Callable[[], None] | None:
    """Return a `preexec_fn` with which the kernel kills the child when we are gone.

    Start the child from the thread that lives as long as the process. None where the system has
    no such thing: there a child ends by itself, however late.
    """
    prctl, parent = _PRCTL, os.getpid()
    if prctl is None:
        return None

    def tie() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # we died between the fork and the line above
            os._exit(1)

    return tie
