"""Ask the first provider that can, mend its answer once, else ask the next; record each hop."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bookai.errors import BookAIError, OperatorNeeded, Refused, ToolFailed, TryLater
from bookai.llm.base import Answerer, Asked, BadAnswer, ModelAnswer, ModelRequest
from bookai.metrics import FALLBACKS, MODEL_CALLS, MODEL_SECONDS
from bookai.models import Fallback

logger = logging.getLogger(__name__)

PROBE_LIMIT_S = 2.0
ANSWER_LIMIT_S = 170.0
WHAT = "writer model"

REPAIR = """

Your last answer was not accepted. What was wrong with it:
- {problem}
Answer again with the whole JSON object, and mend exactly that."""


@dataclass(frozen=True, slots=True)
class _Miss:
    """A provider that did not answer. `tried` when it was asked; else it was not available."""

    name: str
    why: str
    tried: bool
    error: Exception | None = None


class ModelPool:
    """Providers in the order of preference; the last one is the one that is always there."""

    def __init__(
        self,
        providers: Mapping[str, Answerer],
        order: tuple[str, ...],
        answer_limit_s: float = ANSWER_LIMIT_S,
    ) -> None:
        missing = [name for name in order if name not in providers]
        if missing or not order:
            raise OperatorNeeded(
                f"there is no model provider {missing or order!r}, only {sorted(providers)}.",
                mend="Name one of these, or add a file with that name to bookai/llm/.",
            )
        self._providers = tuple(providers[name] for name in order)
        self._limit_s = answer_limit_s

    async def ask(
        self, request: ModelRequest, validate: Callable[[ModelAnswer], Any]
    ) -> Asked[Any]:
        """Return the first validated answer, and what had to stand in on the way to it.

        A provider whose answer is not valid gets one second try with what was wrong.

        Raises:
            Refused: the last one said no; with what went wrong before, where a model was asked.
            TryLater: nobody could answer now.
            ToolFailed: everybody answered, nobody usefully.
        """
        misses: list[_Miss] = []
        for provider in self._providers:
            why = await self._unavailable(provider)
            if why is not None:
                misses.append(_Miss(provider.name, why, tried=False))
                MODEL_CALLS.labels(provider.name, "unavailable").inc()
                continue
            try:
                value, answer = await self._answer(provider, request, validate)
            except Refused as error:
                # A refusal is about the request: only a later provider may see it differently.
                misses.append(_Miss(provider.name, str(error), tried=True, error=error))
            except (BookAIError, ValueError, TimeoutError) as error:
                misses.append(_Miss(provider.name, str(error), tried=True, error=error))
            else:
                return Asked(
                    value=value,
                    provider=answer.provider,
                    model=answer.model,
                    draft_kind=answer.draft_kind,
                    fallbacks=_hops(misses, provider.name),
                )
        raise _failure(misses)

    async def _unavailable(self, provider: Answerer) -> str | None:
        try:
            async with asyncio.timeout(PROBE_LIMIT_S):
                return await provider.unavailable()
        except TimeoutError:
            return f"{provider.name} did not say within {PROBE_LIMIT_S:.0f} s whether it can answer"

    async def _answer(
        self,
        provider: Answerer,
        request: ModelRequest,
        validate: Callable[[ModelAnswer], Any],
    ) -> tuple[Any, ModelAnswer]:
        """Ask, and ask once more with the problem when the answer was not valid."""
        try:
            async with asyncio.timeout(self._limit_s):
                try:
                    return await self._once(provider, request, validate)
                except BadAnswer as error:
                    again = _repair(request, str(error))
                    return await self._once(provider, again, validate)
        except TimeoutError as error:
            raise TryLater(
                f"{provider.name} did not answer within {self._limit_s:.0f} s"
            ) from error

    async def _once(
        self,
        provider: Answerer,
        request: ModelRequest,
        validate: Callable[[ModelAnswer], Any],
    ) -> tuple[Any, ModelAnswer]:
        started = time.monotonic()
        outcome = "failed"
        try:
            answer = await provider.answer(request)
            outcome = "invalid"
            try:
                value = validate(answer)
            except ValueError as error:
                raise BadAnswer(f"its answer was not valid: {error}") from error
            outcome = "ok"
        except Refused:
            outcome = "refused"
            raise
        except BadAnswer:
            outcome = "invalid"
            raise
        except asyncio.CancelledError:
            outcome = "cancelled"
            raise
        finally:
            MODEL_CALLS.labels(provider.name, outcome).inc()
            MODEL_SECONDS.labels(provider.name).observe(time.monotonic() - started)
        return value, answer


def _repair(request: ModelRequest, problem: str) -> ModelRequest:
    line = " ".join(problem.split())[:600]
    return request.model_copy(
        update={
            "prompt": request.prompt + REPAIR.format(problem=line),
            "objections": (*request.objections, line),
        }
    )


def _hops(misses: list[_Miss], used: str) -> tuple[Fallback, ...]:
    hops = []
    for miss in misses:
        FALLBACKS.labels(WHAT).inc()
        logger.warning(
            "%s stands in for %s: %s",
            used,
            miss.name,
            miss.why,
            extra={"action": "model_fallback"},
        )
        hops.append(Fallback(what=WHAT, wanted=miss.name, used=used, why=miss.why))
    return tuple(hops)


def _failure(misses: list[_Miss]) -> BookAIError:
    """Return the error for a question that nobody answered; the last provider decides its kind."""
    last = misses[-1]
    before = [miss for miss in misses[:-1] if miss.tried]
    if isinstance(last.error, Refused) and not before:
        return last.error
    said = "; ".join(f"{miss.name}: {miss.why}" for miss in (*before, last))
    if isinstance(last.error, Refused):
        return Refused(f"No model could write this. {said}")
    if any(not miss.tried or isinstance(miss.error, TryLater) for miss in misses):
        return TryLater("; ".join(f"{miss.name}: {miss.why}" for miss in misses))
    return ToolFailed(f"No model gave a usable answer. {said}")
