"""A network's report as an operator hands it in: a CSV file of conversions or of clicks.

The header tells which: `CONVERSIONS` and `CLICKS` name the columns. Times have a time zone.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Literal, TypeVar, cast

from bookai.errors import Refused
from bookai.models import Record
from bookai.text.lists.sheet import (
    NETWORK,
    check_columns,
    currency,
    decode,
    matching,
    read_cells,
    rows_of,
    text,
    told,
    whole,
)

State = Literal["pending", "approved", "reversed", "paid"]
CONVERSIONS = (
    *("network", "external_id", "sub_id", "state", "sale_minor", "commission_minor", "currency"),
    *("occurred_at", "reported_at"),
)
CLICKS = ("network", "sub_id", "clicked_at", "reference")
_STATE = re.compile("pending|approved|reversed|paid")
_MOST = 1_000_000_000

R = TypeVar("R", bound=Record)


class Conversion(Record):
    """One word of a network about one sale; amounts in the currency's smallest unit."""

    network: str
    external_id: str
    sub_id: str
    state: State
    sale_minor: int
    commission_minor: int
    currency: str
    occurred_at: datetime
    reported_at: datetime


class Click(Record):
    """One click; `reference` is the network's own number of it."""

    network: str
    sub_id: str
    clicked_at: datetime
    reference: str


def parse_report(
    content: bytes, name: str, now: datetime
) -> tuple[Conversion, ...] | tuple[Click, ...]:
    """Return the conversions or clicks of a CSV file; `name` is what the messages call it.

    Raises:
        Refused: the file is no such CSV, or rows are bad; each is named by its line and its fault.
    """
    rows = list(rows_of(decode(content, name), name))
    if len(rows) < 2:
        raise Refused(f"{name} has no rows: a header and one row for each are needed.")
    header = [cell.strip().lower() for cell in rows[0][1]]
    if "clicked_at" in header:
        return _read(rows, name, Click, CLICKS, now)
    return _read(rows, name, Conversion, CONVERSIONS, now)


def _read(
    rows: list[tuple[int, list[str]]],
    name: str,
    kind: type[R],
    wanted: tuple[str, ...],
    now: datetime,
) -> tuple[R, ...]:
    columns = check_columns(rows[0][1], name, wanted)
    found: list[R] = []
    faults: list[str] = []
    for line, cells in rows[1:]:
        values, wrong = read_cells(columns, cells, {column: _READ[column] for column in wanted})
        wrong = wrong or _misfits(values, now)
        faults += [f"line {line}: {fault}" for fault in wrong]
        if not wrong:
            found.append(kind.model_validate(values))
    if faults:
        raise Refused(told(name, faults))
    return tuple(found)


def _misfits(values: Mapping[str, object], now: datetime) -> list[str]:
    """Judge what one cell alone cannot tell."""
    times = {column: cast(datetime, values[column]) for column in _TIMES if column in values}
    wrong = [
        f"{column}: {at:%Y-%m-%d %H:%M} is yet to come" for column, at in times.items() if at > now
    ]
    if "state" in values:
        amount = cast(int, values["commission_minor"])
        if values["state"] == "reversed" and amount > 0:
            wrong.append(
                f"commission_minor: {amount} of a reversal; what is taken back is negative"
            )
        if values["state"] != "reversed" and amount < 0:
            wrong.append(f"commission_minor: {amount}, but only a reversal is negative")
        if times["reported_at"] < times["occurred_at"]:
            wrong.append("reported_at: lies before occurred_at")
    return wrong


def _moment(cell: str) -> datetime:
    try:
        at = datetime.fromisoformat(cell)
    except ValueError as error:
        raise ValueError(f"{cell[:40]!r} is no time such as 2026-11-24T12:00:00Z") from error
    if at.tzinfo is None:
        raise ValueError(f"{cell[:40]!r} has no time zone, such as Z or +01:00")
    if not 2000 <= at.year <= 2200:
        raise ValueError(f"{cell[:40]!r} is no year in which a network reported")
    return at.astimezone(UTC)


def _sub_id(cell: str) -> str:
    return text(200)(cell) if cell else ""


_TIMES = ("occurred_at", "reported_at", "clicked_at")
_READ: Mapping[str, Callable[[str], object]] = {
    "network": matching(NETWORK, "a network's name (lower-case letters, digits, _)"),
    "external_id": text(200),
    "sub_id": _sub_id,
    "state": matching(_STATE, "pending, approved, reversed or paid"),
    "sale_minor": whole(-_MOST, _MOST, "minor units"),
    "commission_minor": whole(-_MOST, _MOST, "minor units"),
    "currency": currency,
    "occurred_at": _moment,
    "reported_at": _moment,
    "clicked_at": _moment,
    "reference": text(200),
}
