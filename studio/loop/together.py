"""Ask the database once for all who ask at the same time.

Hundreds of ticks may be due at once. What comes in while a question is on its way is put into the
next one, so a lone question waits for nothing and a crowd shares a transaction.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")


@dataclass(slots=True, eq=False)
class _Asked(Generic[Q, A]):
    question: Q
    answers: Sequence[A] = ()
    error: BaseException | None = None


class Together(Generic[Q, A]):
    """`answer` returns as many answers as it is given questions, in their order.

    What it raises is raised to all who shared that question. `turn` is held while it works.
    """

    def __init__(self, answer: Callable[[Sequence[Q]], Awaitable[Sequence[A]]]) -> None:
        self._answer = answer
        self._asked: list[_Asked[Q, A]] = []
        self.turn = asyncio.Lock()

    async def ask(self, question: Q) -> A:
        """Return the answer, asked for together with whoever waits."""
        mine = _Asked[Q, A](question)
        self._asked.append(mine)
        try:
            async with self.turn:
                if mine in self._asked:  # or whoever had the turn before asked for it
                    await self._ask_all()
        finally:
            if mine in self._asked:  # whoever gave up waiting wants no answer
                self._asked.remove(mine)
        if mine.error is not None:
            raise mine.error
        return mine.answers[0]

    async def _ask_all(self) -> None:
        await asyncio.sleep(0)  # who became free in the same moment asks along
        asked, self._asked = self._asked, []
        try:
            answers = await self._answer([one.question for one in asked])
        except BaseException as error:
            # Also where we are cancelled: whether it was done then, only the database knows.
            for one in asked:
                one.error = error
            raise
        for one, answer in zip(asked, answers, strict=True):
            one.answers = (answer,)
