"""One family of errors, split by what the caller must do.

BookAIError
├── TryLater          wait, then do the same again
│   ├── BudgetSpent   the day's money for a model provider is spent; wait for the next day
│   └── NotYet        too early whoever asks: an account, a channel or a job must wait
├── OperatorNeeded    a person must act; `mend` says how
├── Refused           the answer is no; asking again changes nothing
├── ToolFailed        a tool broke; another candidate may succeed
└── PluginError       a plug-in file does not keep its folder's contract
"""


class BookAIError(Exception):
    """Base of everything we raise on purpose. The message is for the operator."""

    @property
    def logged(self) -> str:
        """The message as it may stand in the audit log."""
        return str(self)


class TryLater(BookAIError):
    """It may work later: wait `after_s` seconds, then do the same again."""

    def __init__(self, message: str, *, after_s: float = 30.0) -> None:
        super().__init__(message)
        self.after_s = after_s


class BudgetSpent(TryLater):
    """The call is not made: it could cost more than the day's budget of its provider has left."""


class NotYet(TryLater):
    """Too early whoever asks: a pause, a job's own time, a cap, a platform's word on an account.

    It says nothing about whoever was at work: nobody else is asked, and no try is counted. Raised
    by a platform, it is kept, and the account rests.
    """


class OperatorNeeded(BookAIError):
    """A person must act first; `mend` is what to do, ready to paste where possible."""

    def __init__(self, message: str, *, mend: str = "") -> None:
        super().__init__(f"{message} {mend}".strip())
        self.mend = mend


class Refused(BookAIError):
    """The studio will not do this, and says why; another candidate would refuse as well.

    `words` are a person's own, told after the message and never logged: they can be erased.
    """

    def __init__(self, message: str, *, words: str = "") -> None:
        super().__init__(f"{message} ({words})" if words else message)
        self._message = message

    @property
    def logged(self) -> str:
        """The message without the person's own words."""
        return self._message


class ToolFailed(BookAIError):
    """A tool broke while it worked; the message is the tool's own."""


class PluginError(BookAIError):
    """A plug-in file does not export what its folder promises."""
