"""`bookai audit verify`: prove the log, or its newer part."""

from pathlib import Path

import click

from bookai.db.seal import verify as audit_verify
from bookai.db.seal.files import read_verifier
from bookai.errors import BookAIError, OperatorNeeded
from bookai.settings import read_settings
from studio.commands._door import as_json, print_json, run
from studio.commands.trail.options import moment
from studio.database import notes_path, seal_audit
from studio.office import open_office


def _since(
    _ctx: click.Context, _param: click.Parameter, text: str | None
) -> audit_verify.Since | None:
    if text is None:
        return None
    if text.isdecimal() and len(text) < 19:
        return audit_verify.Since(event_id=int(text))
    size = text.removeprefix("checkpoint:")
    if size != text and size.isdecimal() and len(size) < 19:
        return audit_verify.Since(size=int(size))
    return audit_verify.Since(at=moment(text))


@click.command(epilog="Example: bookai audit verify --since 2026-11-25 --against /mnt/git/audit")
@click.option(
    "--since",
    metavar="EVENT|checkpoint:SIZE|TIME",
    callback=_since,
    help="Trust the signed checkpoint before this event, size or time, and check what came after.",
)
@click.option(
    "--against",
    multiple=True,
    metavar="NOTES",
    type=click.Path(exists=True, path_type=Path),
    help="Compare with exported notes kept elsewhere too: a file, or a folder of them. Repeatable.",
)
@as_json
def verify(since: audit_verify.Since | None, against: tuple[Path, ...], json_: bool) -> None:
    """Recompute every hash, root and signature, and compare with the exported checkpoints."""
    report = run(_verify(since, against))
    if json_:
        print_json(report)
    else:
        _tell(report)
    if not report.ok:
        raise BookAIError("the audit log does not verify; the problems are named above.")
    if not json_:
        click.echo("the audit log verifies")


def _tell(report: audit_verify.VerifyReport) -> None:
    click.echo(
        f"{report.events} events, {report.sealed} sealed under {report.checkpoints} signed "
        f"checkpoints, {report.unsealed} not sealed yet"
    )
    if report.eras > 1:
        click.echo(f"{report.eras} eras: the log was restored into another cluster")
    if report.personal:
        click.echo(f"{report.personal} personal texts fit what the log committed to")
    if report.trusted:
        click.echo(
            f"NOT read again: the first {report.trusted} events. The signed checkpoint "
            f"{report.trusted} was trusted for them; a change there is not found by this run."
        )
    if report.first_bad:
        click.echo(f"first bad: {report.first_bad}")
    for problem in report.problems:
        click.echo(f"problem: {problem}")


async def _verify(
    since: audit_verify.Since | None, against: tuple[Path, ...]
) -> audit_verify.VerifyReport:
    settings = read_settings()
    async with open_office(settings) as office:
        try:
            await seal_audit(office.database, settings)
        except OperatorNeeded as error:
            # The sealer refuses to go on over a log that was changed. Naming the change is what
            # this command is for, so it goes on and verifies what is sealed already.
            click.echo(f"not sealed: {error}", err=True)
        verifier = read_verifier(settings.audit_dir / "signing.pub")
        return await audit_verify.verify(
            office.database.pool, verifier, notes_path(settings), against=against, since=since
        )
