"""Ways a call may go before it is carried out: neither a success nor a failure."""

from typing import Any

from mcp.shared.exceptions import MCPError
from mcp.types import MISSING_REQUIRED_CLIENT_CAPABILITY, InputRequiredResult

_REQUIRED: dict[str, Any] = {"requiredCapabilities": {"elicitation": {"form": {}}}}


class Detour(Exception):  # no failure: the call goes on when the client has answered
    """The call has to go another way first."""

    def answer(self) -> InputRequiredResult:
        """Return what the client is answered.

        Raises:
            MCPError: the client cannot go that way.
        """
        raise NotImplementedError


class Asked(Detour):
    """The client has to bring its person's answer in another round."""

    def __init__(self, asks: InputRequiredResult) -> None:
        super().__init__("asked for a confirmation")
        self._asks = asks

    def answer(self) -> InputRequiredResult:
        """Return the question."""
        return self._asks


class CannotAsk(Detour):
    """A confirmation is demanded here, and the client cannot ask for one."""

    def answer(self) -> InputRequiredResult:
        """Tell which capability is missing."""
        raise MCPError(MISSING_REQUIRED_CLIENT_CAPABILITY, str(self), _REQUIRED)
