"""One question on its way along the chain: server after server, then model after model."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bookai.errors import BookAIError, TryLater
from bookai.llm.base import Asked, CallFailed, ErrorKind, Model
from bookai.llm.serving.attempt import Answered, Plan, Try
from bookai.llm.serving.house import House, Wish
from bookai.llm.serving.misses import Miss, failure, noted
from bookai.llm.serving.prompt import messages_of, repaired, tokens
from bookai.metrics.llm import LLM_CONTEXT_OVERFLOWS, LLM_REPAIRS
from bookai.metrics.routing import ROUTER_FALLBACKS

# What the model itself did: asked again with what was wrong, it may mend it.
MENDABLE: frozenset[ErrorKind] = frozenset({"invalid_json", "invalid_schema"})
# What may go away by itself, so that the only server is asked again.
PASSING: frozenset[ErrorKind] = frozenset(
    {"reset", "midstream_error", "http_5xx", "protocol", "no_done", "empty", "blanks"}
)
PAUSE_S = 0.02
LONGEST_PAUSE_S = 1.0
# With less left a model is not asked: the rest belongs to the built-in writer.
LEAST_S = 0.01


class Question:
    """Asks until somebody gives an answer that is accepted."""

    def __init__(self, house: House, wish: Wish) -> None:
        self._house = house
        self._wish = wish
        self._misses: list[Miss] = []
        self._spent: set[str] = set()
        self._attempts = 0
        limits, left_s = house.limits, wish.until - house.fleet.clock()
        # Once for the whole chain: each model that takes its time must not take from the writer's.
        self._keep_s = min(limits.keep_s, limits.keep_share * left_s)

    async def ask(self, chain: Sequence[Model]) -> Asked[Any]:
        """Return the first accepted answer, and what it stands in for.

        Raises:
            Refused: the last of the chain said no.
            TryLater: somebody may be able to later.
            ToolFailed: everybody answered, nobody usefully.
        """
        await self._house.fleet.ready({model.provider for model in chain})
        for place, model in enumerate(chain):
            is_last = not any(self._is_model(later) for later in chain[place + 1 :])
            try:
                found = await self._ask_model(model, is_last)
            except (BookAIError, TimeoutError) as error:
                self._miss(model, error)
            else:
                return self._asked(model, found)
        raise failure(self._misses)

    def _asked(self, model: Model, found: Answered) -> Asked[Any]:
        is_model = found.answer.draft_kind == "model"
        used = model.ref if is_model else model.provider
        return Asked(
            value=found.value,
            provider=found.answer.provider,
            model=found.answer.model,
            draft_kind=found.answer.draft_kind,
            fallbacks=noted(self._misses, used),
        )

    def _miss(self, model: Model, error: BookAIError | TimeoutError) -> None:
        if not isinstance(error, BookAIError):
            error = TryLater(f"nobody was free for {model.ref} in time")
        if isinstance(error, CallFailed) and error.kind == "budget":
            self._spent.add(model.provider)
        stands = self._house.fleet.of(model)
        is_up = any(stand.sight is not None for stand in stands)
        tried = self._attempts > 0 and is_up
        self._misses.append(Miss(model.ref if is_up else model.provider, error, tried))

    async def _ask_model(self, model: Model, is_last: bool) -> Answered:
        stands = self._house.fleet.of(model)
        if model.provider in self._spent and all(one.server.bills for one in stands):
            raise self._misses[-1].error
        why = self._house.fleet.why_not(model)
        if why is not None:
            raise why
        plan = self._first(model)
        tries = self._house.limits.last_tries if is_last else self._house.limits.tries
        failed: list[CallFailed] = []
        for left in range(tries - 1, -1, -1):
            self._attempts += 1
            attempt = Try(self._house, self._wish, plan)
            try:
                found = await attempt.make()
            except (CallFailed, TryLater, TimeoutError) as error:
                if attempt.server is None and failed:
                    raise failed[-1] from error  # there was no place for a second try
                if not isinstance(error, CallFailed):
                    raise
                following = self._next(plan, error, attempt.server) if left else None
                if following is None or _is_mended_twice(error, failed):
                    raise
                failed.append(error)
                ROUTER_FALLBACKS.labels("model", error.outcome).inc()
                await self._pause(error, attempt.server, len(failed), plan.until)
                plan = following
            else:
                self._count(model, failed)
                return found
        raise AssertionError("the last try returns or raises")

    def _first(self, model: Model) -> Plan:
        """Return the first attempt at a model.

        Raises:
            CallFailed: the question does not fit its context, or no time is left.
        """
        request, now = self._wish.request, self._house.fleet.clock()
        until = self._wish.until
        if self._is_model(model):
            until -= self._keep_s
            if until - now < LEAST_S:
                raise TryLater(f"no time was left for {model.ref}")
            max_tokens = min(request.max_tokens, model.max_tokens)
            needed = tokens(messages_of(request)) + max_tokens
            if needed > model.num_ctx:
                LLM_CONTEXT_OVERFLOWS.labels(model.name, "next_model").inc()
                raise CallFailed(
                    f"the article needs about {needed} tokens, {model.name} is given "
                    f"{model.num_ctx}",
                    outcome="client",
                    kind="context",
                    next_model=True,
                )
        else:
            max_tokens = model.max_tokens
        return Plan(self._attempts + 1, model, request, max_tokens, until)

    def _next(self, plan: Plan, error: CallFailed, server: str | None) -> Plan | None:
        """Return how to try this model again, None when another model must."""
        if server is None or error.next_model or not error.retry or error.kind == "deadline":
            return None
        left_s = plan.until - self._house.fleet.clock()
        if left_s <= 0 or (error.after_s or 0.0) > left_s / 2:
            return None
        plan = replace(plan, number=self._attempts + 1)
        if error.outcome == "busy":
            return plan
        if error.kind == "cut":
            longest = plan.model.num_ctx - tokens(messages_of(plan.request))
            more = min(2 * plan.max_tokens, longest)
            return replace(plan, max_tokens=more) if more > plan.max_tokens else None
        if error.kind in MENDABLE:
            plan = replace(plan, request=repaired(self._wish.request, str(error)))
        is_ok = error.kind in MENDABLE or error.kind in PASSING
        return replace(plan, tried=plan.tried | {server}, same_ok=is_ok)

    async def _pause(self, error: CallFailed, server: str | None, nth: int, until: float) -> None:
        """Leave a busy server alone for a while; others may be asked meanwhile."""
        if error.outcome != "busy" or server is None:
            return
        fleet, luck = self._house.fleet, 0.5 + self._house.rng.random()
        if error.after_s is not None and server in fleet.router.names:
            fleet.router.pause(server, fleet.clock(), error.after_s)
        left_s = until - fleet.clock()
        await asyncio.sleep(max(0.0, min(PAUSE_S * 2.0**nth * luck, LONGEST_PAUSE_S, left_s)))

    def _count(self, model: Model, failed: Sequence[CallFailed]) -> None:
        kinds = {error.kind for error in failed}
        if kinds & MENDABLE:
            LLM_REPAIRS.labels(model.name, "reask").inc()
        if "cut" in kinds:
            LLM_REPAIRS.labels(model.name, "lengthen").inc()

    def _is_model(self, model: Model) -> bool:
        return any(s.provider.draft_kind == "model" for s in self._house.fleet.of(model))


def _is_mended_twice(error: CallFailed, failed: Sequence[CallFailed]) -> bool:
    return error.kind in MENDABLE and any(one.kind in MENDABLE for one in failed)
