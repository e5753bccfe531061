"""Whether a process lives and whether it is ready: asked of its event loop, told by a thread."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from bookai.db.pool import DATABASE_ERRORS, Pool
from bookai.errors import BookAIError
from bookai.metrics import EVENT_LOOP_LAG, READY

logger = logging.getLogger(__name__)

BEAT_S = 0.5
HUNG_S = 10.0
"""An event loop that did not run for so long hangs: nothing of ours may hold it up for a second."""

LOOK_S = 2.0
"""What does not answer within so long is not ready."""

FRESH_S = 0.5
LONGEST_REASON = 300

Look = Callable[[], Awaitable[Mapping[str, str | None]]]
"""Looks at one thing or more; says by name what is wrong with each, None where all is well."""


@dataclass(slots=True)
class Health:
    """What makes a process ready. `looks` have names: one that breaks or hangs is named by it.

    With a `pool`, the process is known to the others and measures how the studio stands.
    """

    looks: Mapping[str, Look] = field(default_factory=dict)
    pool: Pool | None = None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _found: tuple[float, Mapping[str, str | None]] = (float("-inf"), {})

    async def look(self) -> Mapping[str, str | None]:
        """Look at everything at once; whoever asks meanwhile gets the same answer."""
        async with self._turn:
            at, found = self._found
            if time.monotonic() - at > FRESH_S:
                async with asyncio.TaskGroup() as group:
                    tasks = [
                        group.create_task(_look(name, look)) for name, look in self.looks.items()
                    ]
                found = {name: wrong for task in tasks for name, wrong in task.result().items()}
                self._found = time.monotonic(), found
                READY.set(not any(found.values()))
            return found


async def _look(name: str, look: Look) -> Mapping[str, str | None]:
    try:
        async with asyncio.timeout(LOOK_S):
            return await look()
    except TimeoutError:
        return {name: f"no answer within {LOOK_S:g} s"}
    except BookAIError as error:
        return {name: str(error)[:LONGEST_REASON]}
    except (OSError, *DATABASE_ERRORS) as error:
        return {name: f"it failed ({type(error).__name__})"}
    except Exception as error:
        # The door of a probe: whatever breaks in a look makes the process not ready.
        logger.exception("A look at %s broke", name, extra={"action": "look_failed"})
        return {name: f"the look at it broke ({type(error).__name__})"}


@dataclass(slots=True)
class Heart:
    """The event loop's beat, to be read from any thread."""

    beat_at: float = field(default_factory=time.monotonic)
    lag_s: float = 0.0

    async def beat(self) -> None:
        """Beat until cancelled."""
        while True:
            due = time.monotonic() + BEAT_S
            await asyncio.sleep(BEAT_S)
            self.beat_at = time.monotonic()
            self.lag_s = max(self.beat_at - due, 0.0)
            EVENT_LOOP_LAG.set(self.lag_s)

    def silent_s(self) -> float:
        """Return how many seconds the next beat is late; 0 while it is in time."""
        return max(time.monotonic() - self.beat_at - BEAT_S, 0.0)

    @property
    def hangs(self) -> bool:
        """Tell whether the event loop does not run any more."""
        return self.silent_s() > HUNG_S
