"""`bookai approve`, `bookai reject`, `bookai decide`: the operator's word."""

from collections.abc import Iterable, Mapping
from typing import IO

import click

from bookai.db import jobs
from bookai.decisions import BundleReport
from bookai.errors import BookAIError, Refused
from bookai.models import PostEdit
from bookai.settings import Settings, read_settings
from studio.commands._door import as_json, operator, print_json, print_rows, run
from studio.commands.make import display
from studio.database import seal_audit
from studio.foreground import carry
from studio.wiring import Studio, open_studio
from tools.base import ApprovalRow, JobRow

ENDED = frozenset(jobs.ENDED)


@click.command(
    epilog='Examples: bookai approve 1 --note "good hook" · '
    'bookai approve 1 --title "A better title" --caption-file caption.txt'
)
@click.argument("approval_id", type=click.IntRange(min=1))
@click.option("--note", default="", help="Kept in the audit log.")
@click.option("--title", help="Approve the post under this title instead.")
@click.option(
    "--caption-file",
    type=click.File(encoding="utf-8"),
    help="Approve it with this caption; the disclosure and the source's line must stay.",
)
@click.option("--hashtags", help='Approve it with these: "bridges wood"; "" for none.')
@as_json
def approve_command(
    approval_id: int,
    note: str,
    title: str | None,
    caption_file: IO[str] | None,
    hashtags: str | None,
    json_: bool,
) -> None:
    """Approve what APPROVAL_ID shows, exactly these bytes, and publish it.

    With other words than it shows, the changed post is what is approved; the difference is kept.
    """
    edit = PostEdit(
        title=title,
        caption=_read(caption_file),
        hashtags=None if hashtags is None else tuple(hashtags.split()),
    )
    asked = None if edit == PostEdit() else edit
    decided, job = run(_decide(approval_id, approve=True, reason=note, quiet=json_, edit=asked))
    if json_:
        print_json(job)
    if decided.state == "pending":
        _echo(json_, f"{_yes(decided)} of {decided.needed} said yes; it waits for another approver")
        return
    if job.status == "queued" and job.not_before is not None:
        _echo(json_, f"approved by {operator()}; it goes out at {job.not_before:%Y-%m-%d %H:%M %Z}")
        return
    if job.status != "done" and not job.url:
        raise BookAIError(f"approved, but not published: {job.reason or job.status}")
    for one in decided.edits:
        _echo(json_, f"changed {one.field}: {_line(one.before)} → {_line(one.after)}")
    _echo(json_, f"approved by {operator()} and published:\n{job.url}")


@click.command(epilog='Example: bookai reject 2 --reason "the number is last year\'s"')
@click.argument("approval_id", type=click.IntRange(min=1))
@click.option("--reason", required=True, help="Why not; the audit log keeps it.")
@as_json
def reject_command(approval_id: int, reason: str, json_: bool) -> None:
    """Reject what APPROVAL_ID shows; nothing is published."""
    _, job = run(_decide(approval_id, approve=False, reason=reason, quiet=json_))
    if json_:
        print_json(job)
    else:
        click.echo(f"rejected by {operator()}; job {job.job_id} is {job.status}")


@click.command(
    epilog='Example: bookai decide --approve 1,2,5-9 --reject 3="wrong number" --reject 4 '
    '--reason "too long"'
)
@click.option("--approve", "approve", multiple=True, metavar="IDS", help="Such as 1,2,5-9.")
@click.option("--reject", "reject", multiple=True, metavar="ID[=WHY]", help="One, with its reason.")
@click.option("--reason", default="", help="For every rejection that names none itself.")
@click.option("--note", default="", help="Kept with what is approved.")
@as_json
def decide_command(
    approve: tuple[str, ...], reject: tuple[str, ...], reason: str, note: str, json_: bool
) -> None:
    """Decide on many at once: one decision, each approval by itself.

    What was decided before, has expired or is not yours is told and left alone; sending the same
    again changes nothing.
    """
    yes = _ids(approve)
    no = dict(_rejection(one, reason) for one in reject)
    if not yes and not no:
        raise click.UsageError("Give --approve IDS or --reject ID=WHY.")
    report = run(_decide_bundle(yes, no, note, quiet=json_))
    if json_:
        print_json(report)
    else:
        click.echo(f"batch {report.batch_id}")
        print_rows(
            report.rows,
            (
                ("approval", lambda r: r.approval_id),
                ("outcome", lambda r: r.outcome),
                ("", lambda r: r.reason),
            ),
            "nothing was decided",
        )
    refused = sum(row.outcome == "refused" for row in report.rows)
    if refused:
        raise BookAIError(f"{refused} of {len(report.rows)} could not be decided; the rest is")


async def _decide(
    approval_id: int, *, approve: bool, reason: str, quiet: bool, edit: PostEdit | None = None
) -> tuple[ApprovalRow, JobRow]:
    settings = read_settings()
    async with open_studio(settings) as house:
        desk = house.office.desk
        decided = await desk.decide_approval(
            approval_id, approve, reason, operator(), edit=edit, via="cli"
        )
        if decided.state != "pending":
            await _carry(house, [decided.job_id], quiet=quiet)
        await seal_audit(house.office.database, settings)
        return decided, (await desk.get_job(decided.job_id)).job


async def _decide_bundle(
    yes: list[int], no: Mapping[int, str], note: str, *, quiet: bool
) -> BundleReport:
    settings: Settings = read_settings()
    async with open_studio(settings) as house:
        desk = house.office.desk
        report = await desk.decide_bundle(yes, no, note, operator(), via="cli")
        settled = [row for row in report.rows if row.outcome in ("approved", "rejected")]
        woken = [(await desk.get_approval(row.approval_id)).job_id for row in settled]
        await _carry(house, woken, quiet=quiet)
        await seal_audit(house.office.database, settings)
        return report


async def _carry(house: Studio, job_ids: Iterable[int], *, quiet: bool) -> None:
    """Carry what was decided to its end, one after the other, as whoever decided waits for it."""
    office = house.office
    with display(quiet) as watch:
        for job_id in job_ids:
            await carry(
                office.engine,
                house.production.advance,
                office.database.pool,
                job_id,
                ENDED,
                watch,
            )


def _ids(texts: tuple[str, ...]) -> list[int]:
    """Return the numbers of "1,2" and "5-9"."""
    found: list[int] = []
    for part in ",".join(texts).replace(" ", "").split(","):
        first, _, last = part.partition("-")
        if part and not (first.isdecimal() and (last or first).isdecimal()):
            raise click.BadParameter(f"{part[:40]!r} is neither a number nor a range such as 5-9.")
        if part:
            low, high = int(first), int(last or first)
            if high - low > 1000:
                raise click.BadParameter(f"{part[:40]!r} is too wide for one decision.")
            found.extend(range(low, high + 1))
    return found


def _rejection(text: str, reason: str) -> tuple[int, str]:
    number, _, why = text.partition("=")
    if not number.strip().isdecimal():
        raise click.BadParameter(f"{text[:40]!r} is not ID or ID=WHY.")
    return int(number), why.strip() or reason


def _read(file: IO[str] | None) -> str | None:
    if file is None:
        return None
    try:
        return file.read(100_000)
    except UnicodeDecodeError as error:
        raise Refused(f"{file.name} is not UTF-8 text: {error.reason}") from error


def _yes(approval: ApprovalRow) -> int:
    return sum(vote.approve for vote in approval.votes)


def _line(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)


def _echo(quiet: bool, text: str) -> None:
    if not quiet:
        click.echo(text)
