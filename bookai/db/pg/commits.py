"""Do something once a transaction is committed, and never when it is not."""

from collections.abc import Callable
from dataclasses import dataclass, field

from asyncpg.connection import LoggedQuery

from bookai.db.pool import Con


def after_commit(con: Con, do: Callable[[], None]) -> None:
    """Call `do` once what `con` does just now is committed; at once outside of a transaction.

    It is not called when the transaction is rolled back, or the savepoint of it that this is asked
    in, nor when nobody knows whether the commit came through. It runs in the event loop a moment
    after the commit, several of one transaction in no order: it may neither wait nor raise.
    """
    if not con.is_in_transaction():
        do()
        return
    con.add_query_logger(_Waiting(con, do).hear)


@dataclass(slots=True, eq=False)
class _Waiting:
    """Hears every statement of its connection until the transaction ends.

    Savepoints that are set later are not its own: what is taken back to those leaves it alone.
    """

    con: Con
    do: Callable[[], None]
    later: set[str] = field(default_factory=set)
    ended: bool = False

    def hear(self, said: LoggedQuery) -> None:
        if self.ended:
            return
        # As asyncpg's Transaction says them.
        match said.query.rstrip(";").split():
            case ["SAVEPOINT", name]:
                self.later.add(name)
            case ["ROLLBACK", "TO", name] if name not in self.later:
                self._end()
            case ["ROLLBACK"]:
                self._end()
            case ["COMMIT"]:
                self._end()
                if said.exception is None:
                    self.do()
            case _:
                pass

    def _end(self) -> None:
        self.ended = True
        self.con.remove_query_logger(self.hear)
