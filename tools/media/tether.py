"""Child processes that do not outlive us: kill -9 leaves no time to end them."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
# Loaded before any fork: between fork and exec a child must not import or allocate much.
_PRCTL = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


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
