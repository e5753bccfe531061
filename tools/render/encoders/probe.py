"""Find the encoder to use by encoding a second with each: a name in a list proves nothing."""

import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import ffmpeg
from pydantic import ValidationError

from bookai.errors import ToolFailed
from bookai.models import Record
from tools.ffmpeg.runner import FfmpegFailed, run_ffmpeg
from tools.render.encoders.devices import device_nodes, nvidia_card
from tools.render.encoders.reasons import explain, lacks_encoder
from tools.render.encoders.recipes import CPU, NODE, RECIPES, Recipe

TRY_S = 10.0
KEPT_S = 86_400.0
_PICTURES = "testsrc2=size=1280x720:rate=30:duration=1"


class Tried(Record):
    """An encoder that does not work here, and why."""

    name: str
    why_not: str


class Choice(Record):
    """The encoder to use, why in one sentence, and what was tried before it."""

    name: str
    reason: str
    tried: tuple[Tried, ...] = ()

    @property
    def hardware(self) -> bool:
        """Whether frames go to a device rather than to our own encoder on the CPU."""
        return self.name != CPU


class _Kept(Record):
    key: str
    at: float
    choice: Choice


async def choose_encoder(
    binary: Path,
    cache: Path | None,
    *,
    now: float | None = None,
    recipes: Mapping[str, Recipe] = RECIPES,
    try_s: float = TRY_S,
) -> Choice:
    """Return the first encoder that encodes a second of pictures; ours on the CPU if none does.

    The answer is kept in the file `cache` for a day, as long as ffmpeg and the graphics devices
    stay the same; an encoder that gave no answer in `try_s` seconds is tried again sooner. `now` is
    Unix time. A cache that cannot be read or written is as good as none.

    Raises:
        OperatorNeeded: `binary` does not start at all.
    """
    now = time.time() if now is None else now
    key = _key(binary, device_nodes(), recipes)
    kept = _read(cache, key, now) if cache is not None else None
    if kept is not None:
        return kept
    choice, sure = await _try_all(binary, recipes, try_s)
    if cache is not None and sure:
        _write(cache, _Kept(key=key, at=now, choice=choice))
    return choice


def kept_choice(binary: Path, cache: Path) -> Choice | None:
    """Return what `choose_encoder` found within a day, without trying anything."""
    return _read(cache, _key(binary, device_nodes(), RECIPES), time.time())


async def _try_all(
    binary: Path, recipes: Mapping[str, Recipe], try_s: float
) -> tuple[Choice, bool]:
    """Return the choice, and whether it is worth keeping: a time-out may be the hour's load."""
    tried: list[Tried] = []
    card, sure = nvidia_card(), True
    for recipe in recipes.values():
        try:
            run = await run_ffmpeg(_arguments(recipe), binary=binary, timeout_s=try_s)
        except FfmpegFailed as error:
            tried.append(Tried(name=recipe.name, why_not=_why(recipe, error.log, card)))
        except ToolFailed:
            sure = False
            tried.append(Tried(name=recipe.name, why_not=f"no answer in {try_s:g} s"))
        else:
            return _chosen(recipe.name, f"a second took {run.seconds:.2f} s", tried, card), sure
    return _chosen(CPU, "the one that comes along", tried, card), sure


def _why(recipe: Recipe, log: Sequence[str], card: str) -> str:
    if recipe.name == "h264_nvenc" and lacks_encoder(card):
        return f"{card} is a data-centre card without an encoder"
    return explain(log, node=NODE, card=card)


def _chosen(name: str, proof: str, tried: list[Tried], card: str) -> Choice:
    failed = "; ".join(f"{one.name}: {one.why_not}" for one in tried if one.name != name)
    where = "on the CPU" if name == CPU else f"on the graphics card{f' ({card})' if card else ''}"
    reason = f"{name} {where} ({proof})"
    return Choice(name=name, reason=f"{reason}; {failed}" if failed else reason, tried=tuple(tried))


def _arguments(recipe: Recipe) -> list[str]:
    """Return ffmpeg's arguments for a second of pictures that nobody keeps."""
    stream = ffmpeg.input(_PICTURES, f="lavfi", **recipe.before)
    for name, *values in (("format", "yuv420p"), *recipe.filters):
        stream = stream.filter(name, *values)
    compiled: list[str] = stream.output("-", f="null", **recipe.output).compile()
    return compiled[1:]


def _key(binary: Path, nodes: Sequence[str], recipes: Mapping[str, Recipe]) -> str:
    """Return what an answer depends on.

    The program goes by path, size and time: to hash its 170 MB would cost 0.8 s of CPU each time.
    """
    try:
        facts = binary.stat()
        program = [str(binary.resolve()), facts.st_size, facts.st_mtime_ns]
    except OSError:
        program = [str(binary)]
    asked = [_arguments(recipe) for recipe in recipes.values()]
    return hashlib.sha256(json.dumps([program, nodes, asked]).encode()).hexdigest()


def _read(cache: Path, key: str, now: float) -> Choice | None:
    try:
        kept = _Kept.model_validate_json(cache.read_bytes())
    except (OSError, ValidationError):
        return None
    fresh = kept.key == key and 0 <= now - kept.at < KEPT_S
    return kept.choice if fresh else None


def _write(cache: Path, kept: _Kept) -> None:
    """Write it beside, then rename: renders read it at the same time."""
    part = cache.with_name(f".{cache.name}.{os.getpid()}")
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(kept.model_dump_json(), encoding="utf-8")
        part.replace(cache)
    except OSError:
        with suppress(OSError):
            part.unlink(missing_ok=True)
