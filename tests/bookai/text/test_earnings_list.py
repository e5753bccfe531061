from datetime import UTC, datetime

import pytest

from bookai.errors import Refused
from bookai.text.lists.earnings_list import Click, Conversion, parse_report

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
HEADER = (
    "network,external_id,sub_id,state,sale_minor,commission_minor,currency,occurred_at,reported_at"
)
GOOD = "catalogue,S-1,v1p1,pending,5000,300,EUR,2026-11-20T10:00:00+01:00,2026-11-21T00:00:00Z"


def parsed(*rows: str, header: str = HEADER) -> tuple[Conversion, ...] | tuple[Click, ...]:
    return parse_report("\n".join([header, *rows]).encode(), "r.csv", NOW)


def test_a_conversion_is_read_with_its_moment_in_utc() -> None:
    [row] = parsed(GOOD)

    assert row == Conversion(
        network="catalogue",
        external_id="S-1",
        sub_id="v1p1",
        state="pending",
        sale_minor=5000,
        commission_minor=300,
        currency="EUR",
        occurred_at=datetime(2026, 11, 20, 9, 0, tzinfo=UTC),
        reported_at=datetime(2026, 11, 21, 0, 0, tzinfo=UTC),
    )


def test_the_header_tells_clicks_from_conversions() -> None:
    [row] = parsed(
        "catalogue,v1p1,2026-11-20T10:00:00Z,c-9", header="network,sub_id,clicked_at,reference"
    )

    assert isinstance(row, Click)


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ("pending", "reversed", "line 2: commission_minor: 300 of a reversal"),
        (",300,", ",-300,", "line 2: commission_minor: -300, but only a reversal is negative"),
        (",300,", ",3.00,", "line 2: commission_minor: '3.00' is not a whole number"),
        ("pending", "maybe", "line 2: state: 'maybe' is not pending"),
        ("EUR", "Euro", "line 2: currency: 'Euro' is not an ISO 4217 code"),
        ("2026-11-21T00:00:00Z", "2027-11-21T00:00:00Z", "line 2: reported_at: .* is yet to come"),
        ("2026-11-21T00:00:00Z", "2026-11-19T00:00:00Z", "lies before occurred_at"),
        ("2026-11-21T00:00:00Z", "2026-11-21T00:00:00", "has no time zone"),
        ("2026-11-21T00:00:00Z", "yesterday", "'yesterday' is no time such as"),
        ("2026-11-21T00:00:00Z", "0001-01-01T00:00:00+14:00", "is no year"),
        ("S-1", "=cmd()", "a spreadsheet takes for a formula"),
        ("catalogue", "Cata logue", "is not a network's name"),
        (",v1p1", "", "it has 8 cells, the header 9"),
    ],
)
def test_a_bad_row_is_named_by_its_line_and_its_fault(before: str, after: str, fault: str) -> None:
    with pytest.raises(Refused, match=f"(?s)nothing was imported.*{fault}"):
        parsed(GOOD.replace(before, after, 1))


def test_a_report_without_rows_or_with_strange_columns_is_refused() -> None:
    with pytest.raises(Refused, match="has no rows"):
        parsed()
    with pytest.raises(Refused, match=r"'currency' is missing.*'coin' is unknown"):
        parsed(GOOD, header=HEADER.replace("currency", "coin"))
