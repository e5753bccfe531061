"""Go through the leaves in order: each event against its leaf, the tree against each root."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bookai.db.seal.merkle import Frontier, event_leaf


class Walk:
    """What was found so far, in the order of the log.

    Stored leaves build the tree, right or wrong: one changed event shall not make every later root
    look wrong as well.
    """

    def __init__(self, tree: Frontier, roots: Mapping[int, bytes], base: int) -> None:
        self.problems: list[str] = []
        self.events = 0
        self._tree = tree
        self._roots = roots
        self._expected = base
        self._first_event = 0
        self._last_event = 0
        self._last_place = (0, 0)
        # Once a root or a leaf is wrong all later roots are: the first one says where to look.
        self._is_rewritten = False

    def check(self, rows: Iterable[Sequence[Any]]) -> None:
        """Check the next page: rows of `SELECT_LEAVES`."""
        append, roots, tree = self._tree.append, self._roots, self._tree
        for row in rows:
            index, event_id, leaf, found_id, at_us, kind, actor, job_id, body, xid = row
            if index != self._expected:
                self._miss(event_id)
            self._expected = index + 1
            if found_id is None:
                self.problems.append(f"event {event_id} was deleted")
            else:
                self.events += 1
                if event_leaf(found_id, at_us, kind, actor, job_id, body) != leaf:
                    self.problems.append(f"event {event_id} was changed after it was sealed")
                if (xid, event_id) < self._last_place and self._first_event:
                    self._misplaced(event_id)
                self._last_place = (xid, event_id)
            append(leaf)
            self._first_event = self._first_event or event_id
            self._last_event = event_id
            if tree.size in roots:
                self._check_root()
                self._first_event = 0

    def check_end(self, covered: int) -> None:
        """Compare the number of leaves with what the newest checkpoint covers."""
        size = self._tree.size
        if size < covered:
            self.problems.append(
                f"the end was cut off: checkpoint {covered} covers {covered} events, "
                f"{size} are left, the last is event {self._last_event}"
            )
        elif size > covered:
            self.problems.append(
                f"{size - covered} leaves up to event {self._last_event} have no checkpoint"
            )

    def _miss(self, event_id: int) -> None:
        self.problems.append(f"leaf {self._expected} is missing (before event {event_id})")

    def _misplaced(self, event_id: int) -> None:
        # Under one checkpoint events are in the order of their transactions.
        if not self._is_rewritten:
            self.problems.append(
                f"event {event_id} stands after event {self._last_event}, which came later: "
                "their leaves were moved"
            )

    def _check_root(self) -> None:
        if self._is_rewritten or self._tree.root() == self._roots[self._tree.size]:
            return
        self._is_rewritten = True
        self.problems.append(
            f"checkpoint {self._tree.size} does not fit the log: an event between "
            f"{self._first_event} and {self._last_event} was changed, moved or removed "
            "together with its leaf"
        )
