"""The beat: sent while the event loop keeps time and every check passes, withheld otherwise.

systemd kills and restarts a service whose beats stay away for `WatchdogSec`. So a beat must prove
that the process works, not only that some thread of it still runs.
"""

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress

from bookai.db.pool import DATABASE_ERRORS
from bookai.errors import BookAIError
from studio.notify import notify

logger = logging.getLogger(__name__)

Check = Callable[[], Awaitable[None]]
"""Return when all is well; raise when it is not."""

BEATS_A_LIMIT = 4
LOOKS_A_BEAT = 4
LAG_S = 5.0


def beats_every_s(environment: Mapping[str, str] = os.environ) -> float | None:
    """Return how far apart the beats are, a quarter of the limit; None without a watchdog."""
    micros = environment.get("WATCHDOG_USEC", "")
    if not micros.isdecimal() or int(micros) == 0:
        return None
    if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None  # it is meant for the process that started us
    return int(micros) / 1e6 / BEATS_A_LIMIT


@asynccontextmanager
async def watchdog(
    checks: Mapping[str, Check], *, lag_s: float = LAG_S, every_s: float | None = None
) -> AsyncIterator[None]:
    """Beat while the block runs, as often as systemd asks; without its watchdog do nothing.

    A beat is sent when no turn of the event loop took longer than `lag_s` seconds since the last
    one and every check passed within the time between two beats. What kept a beat back is logged
    and shown by `systemctl status`.
    """
    distance_s = every_s or beats_every_s()
    if distance_s is None:
        yield
        return
    beating = asyncio.create_task(_beat(checks, distance_s, lag_s), name="watchdog")
    try:
        yield
    finally:
        beating.cancel()
        with suppress(asyncio.CancelledError):
            await beating


async def _beat(checks: Mapping[str, Check], distance_s: float, lag_s: float) -> None:
    well = True
    while True:
        found = await _faults(checks, distance_s)
        worst_s = await _lag(distance_s)
        if worst_s > lag_s:
            found.append(f"the event loop stood still for {worst_s:.1f} s")
        if found:
            why = "; ".join(found)
            notify(f"STATUS=No beat for the watchdog: {why}"[:1000])
            logger.warning("No beat for the watchdog: %s", why, extra={"action": "beat_withheld"})
        else:
            notify("WATCHDOG=1" if well else "WATCHDOG=1\nSTATUS=Well again")
        well = not found


async def _lag(for_s: float) -> float:
    """Wait `for_s` seconds in short steps; return by how much the slowest step was late."""
    step_s, worst_s = for_s / LOOKS_A_BEAT, 0.0
    for _ in range(LOOKS_A_BEAT):
        began = time.monotonic()
        await asyncio.sleep(step_s)
        worst_s = max(worst_s, time.monotonic() - began - step_s)
    return worst_s


async def _faults(checks: Mapping[str, Check], timeout_s: float) -> list[str]:
    found = []
    for name, check in checks.items():
        try:
            async with asyncio.timeout(timeout_s):
                await check()
        except TimeoutError:
            found.append(f"{name}: no answer in {timeout_s:.0f} s")
        except (BookAIError, OSError, *DATABASE_ERRORS) as error:
            # Only our own words: a driver's may hold an address with its password.
            found.append(
                f"{name}: {error if isinstance(error, BookAIError) else type(error).__name__}"
            )
        except Exception as error:
            # A door: what a check did not foresee withholds the beat, and does not end the beating.
            logger.exception("The check %s broke", name, extra={"action": "check_broke"})
            found.append(f"{name}: its check broke ({type(error).__name__})")
    return found
