"""The money of one attempt: set aside before it, booked or given back after it."""

import math

from bookai.errors import BudgetSpent
from bookai.llm.base import Call, CallFailed, ErrorKind, Reply
from bookai.llm.serving.house import House
from bookai.llm.serving.prompt import tokens

# The server surely did no work that it could bill.
UNBILLED: frozenset[ErrorKind] = frozenset(
    {"connect", "busy", "model_missing", "http_4xx", "context", "budget"}
)
# Our count of a prompt's tokens may be short.
MARGIN = 1.3


class Bill:
    """One attempt's money; without a price on the model there is none."""

    def __init__(self, house: House, call_id: str, call: Call) -> None:
        self._house = house
        self._call_id = call_id
        self.call = call
        self._open = False
        self.held = 0
        self.booked = 0

    async def reserve(self) -> None:
        """Set aside the most that the attempt may cost.

        Raises:
            CallFailed: the budget has too little left; `__cause__` tells.
        """
        call, price = self.call, self.call.model.price
        if not call.server.bills:
            return  # another server of the same provider may bill for the same model
        if price is None or self._house.spending is None:
            raise _no_money(
                f"{call.server.name} bills its calls, but {call.model.ref} has no price or "
                "nobody keeps its budget"
            )
        asked = math.ceil(MARGIN * tokens(call.messages))
        self.held = price.of(asked, call.max_tokens)
        # Cancelled in the middle, it may be set aside all the same.
        self._open = True
        try:
            await self._house.spending.reserve(
                call.model.provider, self._call_id, self.held, self._house.now()
            )
        except BudgetSpent as error:
            self._open = False
            raise _no_money(str(error)) from error

    async def close(self, reply: Reply | None, error: CallFailed | None) -> None:
        """Book what the attempt cost.

        Where the server may have billed but did not say what, all that was set aside is booked.
        """
        spending, price = self._house.spending, self.call.model.price
        if not self._open or spending is None or price is None:
            return
        self._open = False
        counted = _counted(reply, error)
        if counted is None and error is not None and error.kind in UNBILLED:
            await spending.release(self._call_id)
            return
        self.booked = self.held if counted is None else price.of(*counted)
        await spending.settle(self._call_id, self.booked)


def _counted(reply: Reply | None, error: CallFailed | None) -> tuple[int, int] | None:
    if reply is not None and reply.input_tokens is not None:
        return reply.input_tokens, reply.output_tokens or 0
    return error.billed if error is not None else None


def _no_money(why: str) -> CallFailed:
    return CallFailed(why, outcome="client", kind="budget", retry=False, next_model=True)
