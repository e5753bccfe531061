"""`bookai earnings`: what was earned, and reading a network's report."""

from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import get_args

import click

from bookai.db.market import reports
from bookai.market import EarningsBy, EarningsReport, ImportedReport, Money
from bookai.settings import read_settings
from studio.commands._door import as_json, operator, print_json, print_rows, run
from studio.office import now, open_office

# ISO 4217: how many digits stand behind the point; two where nothing else is said.
_NO_DIGITS = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV"}
    | {"XAF", "XOF", "XPF"}
)
_THREE_DIGITS = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})
_day = click.DateTime(formats=["%Y-%m-%d"])


@click.group(invoke_without_command=True, epilog="Example: bookai earnings --by video")
@click.option("--since", type=_day, help="First day; by default a week's first.")
@click.option("--until", type=_day, help="Last day, included; today by default.")
@click.option(
    "--by",
    type=click.Choice(get_args(EarningsBy)),
    default="day",
    show_default=True,
    help="What one row stands for.",
)
@click.option("--time-zone", default="UTC", show_default=True, help="Whose days: Europe/Berlin.")
@click.option(
    "--limit", type=click.IntRange(1, 400), default=100, show_default=True, help="At most so many."
)
@as_json
@click.pass_context
def earnings_command(  # noqa: PLR0913  # click hands each option by its name
    ctx: click.Context,
    since: datetime | None,
    until: datetime | None,
    by: EarningsBy,
    time_zone: str,
    limit: int,
    json_: bool,
) -> None:
    """Sum up clicks and commissions, each currency by itself."""
    if ctx.invoked_subcommand is not None:
        return

    async def work() -> EarningsReport:
        first = since.date() if since else None
        last: date | None = until.date() if until else None
        async with open_office(read_settings()) as office:
            return await office.desk.sum_earnings(first, last, time_zone, by, limit)

    report = run(work())
    if json_:
        print_json(report)
        return
    print_rows(
        report.rows,
        (
            (by, lambda r: r.label),
            ("clicks", lambda r: r.clicks),
            ("sales", lambda r: sum(one.sales for one in r.money)),
            ("confirmed", lambda r: _amounts(r.money, "confirmed")),
            ("pending", lambda r: _amounts(r.money, "pending")),
            ("taken back", lambda r: _amounts(r.money, "reversed")),
        ),
        "no click and no sale is known of these days",
    )
    click.echo(
        f"in all: {report.clicks} clicks, confirmed {_amounts(report.money, 'confirmed')}, "
        f"pending {_amounts(report.money, 'pending')}"
    )
    if report.note:
        click.echo(f"note: {report.note}")


@earnings_command.command("import", epilog="Example: bookai earnings import conversions.csv")
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@as_json
def import_(path: Path, json_: bool) -> None:
    """Read a network's conversions or clicks from a CSV file; the same rows count once."""

    async def work() -> ImportedReport:
        async with open_office(read_settings()) as office:
            return await reports.import_report(office.database.pool, path, now(), actor=operator())

    done = run(work())
    if json_:
        print_json(done)
        return
    click.echo(
        f"read {done.rows} {done.kind}: {done.new} new, {done.known} known already, "
        f"{done.strange} with a sub-id of none of ours"
    )


def _amounts(money: Iterable[Money], which: str) -> str:
    told = [_amount(getattr(one, which), one.currency) for one in money if getattr(one, which)]
    return ", ".join(told) or "0"


def _amount(minor: int, currency: str) -> str:
    digits = 0 if currency in _NO_DIGITS else 3 if currency in _THREE_DIGITS else 2
    whole, part = divmod(abs(minor), 10**digits)
    sign = "-" if minor < 0 else ""
    return f"{sign}{whole}.{part:0{digits}d} {currency}" if digits else f"{sign}{whole} {currency}"
