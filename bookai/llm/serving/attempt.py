"""One attempt: a place at a server, the money, the answer, the verdict on it, and what is kept."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

from bookai.errors import BookAIError, Refused
from bookai.llm.base import Call, CallFailed, ErrorKind, Model, ModelAnswer, ModelRequest, Reply
from bookai.llm.parsing import NotJson, WrongShape, check_shape, parse_object
from bookai.llm.serving.bill import Bill
from bookai.llm.serving.house import House, Wish
from bookai.llm.serving.limits import UNREADABLE
from bookai.llm.serving.prompt import messages_of, sha256, tokens
from bookai.llm.serving.record import CallRecord
from bookai.llm.serving.stand import Stand
from bookai.metrics.llm import LLM_IN_FLIGHT, LLM_REPAIRS, Attempt, observe
from bookai.router import Lease, Outcome

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer that was accepted, and who gave it."""

    value: Any
    answer: ModelAnswer
    server: str


@dataclass(frozen=True, slots=True)
class Plan:
    """How the next attempt is made; `tried` are the servers that were asked before."""

    number: int
    model: Model
    request: ModelRequest
    max_tokens: int
    until: float
    tried: frozenset[str] = frozenset()
    same_ok: bool = True


class Try:
    """Makes one attempt. `server` is who was asked, None before anybody was."""

    def __init__(self, house: House, wish: Wish, plan: Plan) -> None:
        self.house = house
        self.wish = wish
        self.plan = plan
        self.server: str | None = None
        self._messages = messages_of(plan.request)
        self._estimate = tokens(self._messages)
        self._reply: Reply | None = None
        self._failure: CallFailed | None = None
        self._outcome: Outcome = "cancelled"
        self._kind = ""
        self._waited_s = 0.0

    async def make(self) -> Answered:
        """Wait for a place, ask, and judge the answer.

        Raises:
            CallFailed: there is no answer that can be used.
            Refused: the question can't be met.
            TryLater, TimeoutError: there was no place.
        """
        plan, fleet = self.plan, self.house.fleet
        came = fleet.clock()
        lease = await fleet.seat(plan.model, plan.until, plan.tried, plan.same_ok)
        began = fleet.clock()
        self._waited_s, self.server = began - came, lease.name
        bill = Bill(self.house, f"{self.wish.call_id}-{plan.number}", self._call(lease.name))
        try:
            async with lease:
                with LLM_IN_FLIGHT.labels(lease.name).track_inprogress():
                    return await self._in_place(lease, bill)
        finally:
            await self._keep(bill, fleet.clock() - began)

    async def _in_place(self, lease: Lease, bill: Bill) -> Answered:
        stand = self.house.fleet.stands[lease.name]
        try:
            await bill.reserve()
            self._reply = await _reply(stand, bill.call)
            self._learn(stand, self._reply)
            value, answer = self._judge(stand, self._reply)
        except CallFailed as error:
            self._failure, self._outcome, self._kind = error, error.outcome, error.kind
            if error.outcome in ("infra", "timeout"):
                stand.hurry.set()  # is it still there?
            raise
        except Refused:
            self._outcome = "refused"
            raise
        else:
            self._outcome = "ok"
            return Answered(value, answer, lease.name)
        finally:
            lease.end(self._outcome)

    def _judge(self, stand: Stand, reply: Reply) -> tuple[Any, ModelAnswer]:
        provider, request = stand.provider, self.plan.request
        if reply.finish == "length":
            raise _bad("the answer was cut at its length limit; write fewer words", "cut")
        try:
            parsed = parse_object(reply.text)
            if provider.draft_kind == "model":
                check_shape(parsed.content, request.answer_schema)
            answer = ModelAnswer(
                content=parsed.content,
                provider=provider.name,
                model=self.plan.model.name,
                draft_kind=provider.draft_kind,
            )
            value = self.wish.validate(answer)
        except NotJson as error:
            raise _bad(str(error), "invalid_json") from error
        except (WrongShape, ValueError) as error:
            raise _bad(str(error), "invalid_schema") from error
        if parsed.stage != "strict":
            LLM_REPAIRS.labels(self.plan.model.name, parsed.stage).inc()
        return value, answer

    def _call(self, server: str) -> Call:
        plan, limits = self.plan, self.house.limits
        stand = self.house.fleet.stands[server]
        pace = stand.pace.get(plan.model.ref)
        read_s = limits.read_s if pace is None else 4 * pace
        return Call(
            request=plan.request,
            messages=self._messages,
            model=plan.model,
            server=stand.server,
            until=plan.until,
            max_tokens=plan.max_tokens,
            heard=self.wish.heard,
            first_chunk_s=limits.first_chunk_s + read_s * self._estimate,
            idle_s=limits.idle_s,
        )

    def _learn(self, stand: Stand, reply: Reply) -> None:
        stand.heard_at = self.house.fleet.clock()
        if reply.first_chunk_s is not None and reply.load_s < 1.0:
            stand.learn_pace(self.plan.model.ref, reply.first_chunk_s, self._estimate)

    async def _keep(self, bill: Bill, took_s: float) -> None:
        """Count, pay and write down; whoever is cancelled does so too."""
        reply, plan = self._reply, self.plan
        observe(
            Attempt(
                provider=plan.model.provider,
                model=plan.model.name,
                server=self.server or "",
                outcome=self._outcome,
                error=self._kind,
                seconds=took_s,
                first_chunk_s=reply.first_chunk_s if reply else None,
                load_s=reply.load_s if reply else 0.0,
                input_tokens=(reply.input_tokens or 0) if reply else 0,
                output_tokens=(reply.output_tokens or 0) if reply else 0,
            )
        )
        kept = asyncio.ensure_future(self._write_down(bill, took_s))
        try:
            await asyncio.shield(kept)
        except asyncio.CancelledError:
            await asyncio.wait({kept})
            raise

    async def _write_down(self, bill: Bill, took_s: float) -> None:
        """Book and write; what fails here takes no answer away that was given and paid for."""
        try:
            await bill.close(self._reply, self._failure)
        except Exception:
            # A door. What was set aside stays so, and counts in full once it lapses.
            logger.exception("A call could not be booked", extra={"action": "call_unbooked"})
        try:
            await self.house.record(self._record(bill, took_s))
        except Exception:
            logger.exception("A call could not be kept", extra={"action": "call_unkept"})

    def _record(self, bill: Bill, took_s: float) -> CallRecord:
        reply, plan, request = self._reply, self.plan, self.plan.request
        first_s = reply.first_chunk_s if reply else None
        return CallRecord(
            call_id=self.wish.call_id,
            attempt=plan.number,
            server=self.server or "",
            model=plan.model.ref,
            num_ctx=plan.model.num_ctx,
            content=request.content,
            prompt_version=request.prompt_version,
            prompt_sha256=sha256("\0".join(one["content"] for one in self._messages)),
            schema_sha256=sha256(repr(request.answer_schema)),
            outcome=self._outcome,
            kind=self._kind,
            estimated_tokens=self._estimate,
            max_tokens=plan.max_tokens,
            input_tokens=reply.input_tokens if reply else None,
            output_tokens=reply.output_tokens if reply else None,
            wait_ms=round(self._waited_s * 1000),
            first_chunk_ms=None if first_s is None else round(first_s * 1000),
            load_ms=round(reply.load_s * 1000) if reply else 0,
            ms=round(took_s * 1000),
            microcents=bill.booked,
        )


async def _reply(stand: Stand, call: Call) -> Reply:
    try:
        return await stand.provider.reply(call)
    except (TimeoutError, BookAIError):
        raise
    except UNREADABLE as error:
        # Only the kind is told: the text may hold what was sent, such as a key.
        kind = type(error).__name__
        why = f"{stand.server.name} answered nothing that can be read ({kind})"
        raise CallFailed(why, outcome="infra", kind="protocol") from None


def _bad(why: str, kind: ErrorKind) -> CallFailed:
    return CallFailed(why, outcome="quality", kind=kind)
