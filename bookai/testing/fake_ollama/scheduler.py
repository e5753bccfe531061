"""Which models are loaded, who waits for what: as Ollama's scheduler does it.

One load at a time. Only requests that wait for a load are counted against the queue's limit;
those for a loaded model wait for one of its slots without limit. Another `num_ctx` or `shift` than
the loaded one loads the model again, after its running requests.
"""

import asyncio
import math
import random
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bookai.testing.fake_ollama.config import Answered, Config, FakeModel, Stats

BUSY = "server busy, please try again.  maximum pending requests exceeded"
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")
_UNITS_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


class Runner:
    """A loaded model. `slots` is what NUM_PARALLEL allows; `expires_at` is loop time."""

    def __init__(self, model: FakeModel, num_ctx: int, shift: bool, parallel: int) -> None:
        self.model = model
        self.num_ctx = num_ctx
        self.shift = shift
        self.slots = asyncio.Semaphore(parallel)
        self.users = 0
        self.active = 0
        self.used_at = 0.0
        self.expires_at = math.inf

    def fits(self, num_ctx: int, shift: bool) -> bool:
        """Return whether it was loaded with these values."""
        return self.num_ctx == num_ctx and self.shift == shift


class Scheduler:
    """The models in memory."""

    def __init__(self, config: Config, stats: Stats) -> None:
        self.loaded: dict[str, Runner] = {}
        self.waiting = 0
        self._config = config
        self._stats = stats
        self._rng = random.Random(config.seed)
        self._loading = asyncio.Lock()
        self._freed = asyncio.Event()

    def now_loaded(self) -> tuple[Runner, ...]:
        """Return the runners whose time has not run out."""
        now = asyncio.get_running_loop().time()
        for runner in tuple(self.loaded.values()):
            if not runner.users and runner.expires_at <= now:
                self.unload(runner.model.name)
        return tuple(self.loaded.values())

    def unload(self, name: str) -> None:
        """Forget a model at once."""
        self.loaded.pop(name, None)
        self._freed.set()

    @asynccontextmanager
    async def held(
        self, model: FakeModel, num_ctx: int, shift: bool, keep_alive_s: float
    ) -> AsyncIterator[Runner]:
        """Lend the model, loaded with these values first where it isn't.

        Raises:
            Answered: 503, too many wait for a load.
        """
        self.now_loaded()
        runner = self.loaded.get(model.name)
        if runner is None or not runner.fits(num_ctx, shift):
            runner = await self._wait_for_load(model, num_ctx, shift)
        else:
            runner.users += 1
        try:
            yield runner
        finally:
            self._give_back(runner, keep_alive_s)

    async def _wait_for_load(self, model: FakeModel, num_ctx: int, shift: bool) -> Runner:
        # One is being loaded beside those that the queue holds.
        if self.waiting > self._config.max_queue:
            self._stats.rejected += 1
            raise Answered(503, BUSY)
        self.waiting += 1
        try:
            async with self._loading:
                runner = self.loaded.get(model.name)
                if runner is not None and not runner.fits(num_ctx, shift):
                    await self._drained(runner)
                    self.unload(model.name)
                    self._stats.reloads += 1
                    runner = None
                if runner is None:
                    await self._make_room()
                    runner = await self._load(model, num_ctx, shift)
                runner.users += 1
                return runner
        finally:
            self.waiting -= 1

    async def _load(self, model: FakeModel, num_ctx: int, shift: bool) -> Runner:
        self._stats.loads += 1
        seconds = model.load_s * math.exp(self._rng.gauss(0, 0.2))
        try:
            await asyncio.sleep(seconds * self._config.time_scale)
        except asyncio.CancelledError:
            self._stats.loads_aborted += 1
            raise
        runner = Runner(model, num_ctx, shift, self._config.num_parallel)
        self.loaded[model.name] = runner
        return runner

    async def _drained(self, runner: Runner) -> None:
        while runner.users:
            self._freed.clear()
            await self._freed.wait()

    async def _make_room(self) -> None:
        """Drop the idle model that was used longest ago; wait while all are in use."""
        while len(self.loaded) >= self._config.max_loaded:
            idle = [runner for runner in self.loaded.values() if not runner.users]
            if idle:
                self.unload(min(idle, key=lambda runner: runner.used_at).model.name)
                self._stats.evictions += 1
            else:
                self._freed.clear()
                await self._freed.wait()

    def _give_back(self, runner: Runner, keep_alive_s: float) -> None:
        now = asyncio.get_running_loop().time()
        runner.users -= 1
        runner.used_at = now
        runner.expires_at = now + keep_alive_s * self._config.time_scale
        if not runner.users:
            self._freed.set()
            if keep_alive_s == 0 and self.loaded.get(runner.model.name) is runner:
                self.unload(runner.model.name)


def keep_alive_seconds(value: object, default_s: float) -> float:
    """Read `keep_alive`: a number is seconds, below 0 for ever; text needs a unit, as in Go.

    Raises:
        Answered: 400, it is neither.
    """
    if value is None:
        return default_s
    if isinstance(value, int | float) and not isinstance(value, bool):
        return math.inf if value < 0 else float(value)
    if not isinstance(value, str):
        raise Answered(400, f"Unsupported type: '{type(value).__name__}'")
    text = value.strip()
    if text in ("0", "+0", "-0"):
        return 0.0
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text.lstrip("+-"):
        missing = re.fullmatch(r"[+-]?[\d.]+", text)
        why = "missing unit in duration" if missing else "invalid duration"
        raise Answered(400, f'time: {why} "{value}"')
    seconds = sum(float(number) * _UNITS_S[unit] for number, unit in parts)
    return math.inf if text.startswith("-") else seconds
