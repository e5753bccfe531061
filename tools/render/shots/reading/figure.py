"""What a figure of a text is: what it says, and what it may be compared by."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure between `start` and `end` of its text.

    `value` is what counts ("$2.9"), `scale` the words behind it ("million"), `amount` both as a
    number. A figure below zero has its sign in `value`, as written, and a negative `amount`. `unit`
    tells what may be compared: "%", a currency's sign, "year", or "" where only the noun behind the
    figure says it. `plain` is false for "116th" and the like.
    """

    start: int
    end: int
    value: str
    scale: str
    amount: float
    unit: str
    plain: bool = True

    @property
    def year(self) -> bool:
        """Whether it names a year."""
        return self.unit == "year"
