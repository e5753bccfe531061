"""An answer that grows piece by piece, and what makes it none."""

import asyncio

from bookai.llm.base import Call, CallFailed, Reply

# A model that fell into a loop of blanks would go on until its limit.
MAX_BLANKS = 128
MAX_CHARS = 200_000
MOST_TOKENS = 100_000_000


def counted(value: object) -> int | None:
    """Return a number of tokens as a server tells it; None when it is none that can be."""
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 <= value <= MOST_TOKENS else None


class Growing:
    """What came of one call so far. Tokens stay None where the server counts none."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._clock = asyncio.get_running_loop().time
        self._began = self._clock()
        self._parts: list[str] = []
        self._length = self._blanks = 0
        self.first_chunk_s: float | None = None
        self.input_tokens: int | None = None
        self.output_tokens: int | None = None

    def add(self, piece: str) -> None:
        """Take one piece of text.

        Raises:
            CallFailed: the model goes on without saying anything.
        """
        if not piece:
            return
        if self.first_chunk_s is None:
            self.first_chunk_s = self._clock() - self._began
        self._parts.append(piece)
        self._length += len(piece)
        self._blanks = 0 if piece.strip() else self._blanks + len(piece)
        if self._blanks > MAX_BLANKS or self._length > MAX_CHARS:
            raise CallFailed(
                f"{self._call.model.name} at {self._call.server.name} went on without end",
                outcome="quality",
                kind="blanks",
                billed=self.billed,
            )
        if self._call.heard is not None:
            self._call.heard(piece)

    @property
    def billed(self) -> tuple[int, int] | None:
        """The tokens in and out that the server has counted; None when it has not."""
        if self.input_tokens is None or self.output_tokens is None:
            return None
        return self.input_tokens, self.output_tokens

    def whole(self, finish: str | None) -> Reply:
        """Return the answer; `finish` is why the model stopped, None when nobody said.

        Raises:
            CallFailed: it broke off, or there is nothing in it.
        """
        name = f"{self._call.model.name} at {self._call.server.name}"
        text = "".join(self._parts)
        if finish is None:
            raise CallFailed(
                f"the answer of {name} broke off in the middle",
                outcome="quality",
                kind="no_done",
                billed=self.billed,
            )
        if finish == "refused":
            # A server's policy, or the model's own: another model may see it differently.
            raise CallFailed(
                f"{name} refused to answer",
                outcome="refused",
                kind="empty",
                retry=False,
                next_model=True,
                billed=self.billed,
            )
        if finish != "length" and not text.strip():
            raise CallFailed(
                f"the answer of {name} was empty",
                outcome="quality",
                kind="empty",
                billed=self.billed,
            )
        return Reply(text, self.input_tokens, self.output_tokens, self.first_chunk_s, 0.0, finish)
