"""`bookai backup`, `bookai restore`: a copy of the studio elsewhere, and back."""

from pathlib import Path

import click

from bookai.settings import read_settings
from studio.commands._door import as_json, operator, print_json, run
from studio.keeping.backup import Backup, Order, back_up
from studio.keeping.home import BACKUPS
from studio.keeping.restore import Restored, check, restore


@click.command(epilog="Example: bookai backup --to /mnt/elsewhere/bookai --keep 7")
@click.option(
    "--to",
    "into",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder; without it, backups in the studio's home.",
)
@click.option("--no-media", is_flag=True, help="Leave out the films of jobs and the gallery.")
@click.option("--keep", type=click.IntRange(1), help="Remove all but so many of the newest there.")
@as_json
def backup_command(into: Path | None, no_media: bool, keep: int | None, json_: bool) -> None:
    """Copy the whole studio into one file while it runs. It holds its keys: guard it."""
    settings = read_settings()
    folder = (into or settings.home / BACKUPS).expanduser().absolute()
    order = Order(folder, with_media=not no_media, keep=keep, by=operator())
    made = run(back_up(settings, order))
    if json_:
        print_json(made)
    else:
        _tell_backup(made)


def _tell_backup(made: Backup) -> None:
    click.echo(made.path)
    click.echo(
        f"{made.files} files, {made.rows} rows, {made.size_bytes / 1e6:.1f} MB in "
        f"{made.seconds:.1f} s; it holds the studio's keys, and only you can read it"
    )
    for text in made.left_out:
        click.echo(f"not in it: {text}")


@click.command(
    epilog="Examples: bookai restore /mnt/elsewhere/bookai --into ~/bookai-again · "
    "bookai restore bookai-20261126T110500Z.tar --check"
)
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--into",
    "home",
    type=click.Path(path_type=Path),
    help="The new home: a folder that is empty or not there yet.",
)
@click.option("--check", "only_check", is_flag=True, help="Only read it and check every sum.")
@as_json
def restore_command(path: Path, home: Path | None, only_check: bool, json_: bool) -> None:
    """Restore a backup, or the newest of a folder, and prove it; it is paused afterwards."""
    if only_check == (home is not None):
        raise click.UsageError("say either --into FOLDER or --check")
    if home is None:
        found = run(check(path))
        facts = {key: value for key, value in found.facts.items() if key != "files"}
        if json_:
            print_json({**facts, "files": len(found.facts["files"]), "manifest": found.digest})
        else:
            click.echo(f"whole: {len(found.facts['files'])} files, made {facts['made_at']}")
        return
    came = run(restore(path, home.expanduser().absolute(), operator()))
    if json_:
        print_json(came)
    else:
        _tell_restored(came)


def _tell_restored(came: Restored) -> None:
    click.echo(f"restored into {came.home}, as of {came.made_at:%Y-%m-%d %H:%M} UTC")
    click.echo(
        f"{came.files} files and {came.rows} rows are what was copied; the audit log of "
        f"{came.events} events verifies; {came.films} films have their hash"
    )
    for label, numbers in (
        ("films that were not in the backup, of jobs", came.absent),
        ("films made anew while it was copied, of jobs", came.changed),
        (
            "posts that may be out since: bookai outbox list --state unknown; posts",
            came.posts_unknown,
        ),
        (
            "under way when it was copied, and put aside; what is not out yet goes on by "
            "bookai make --resume: jobs",
            came.jobs_put_aside,
        ),
        (
            "asked and not answered; if it is not out: bookai approvals renew; jobs",
            came.questions_expired,
        ),
        ("approved, perhaps published by the other studio since: jobs", came.approvals_expired),
    ):
        if numbers:
            click.echo(f"{label} {', '.join(map(str, numbers))}")
    for name in came.locked:
        click.echo(f"channel {name} no longer runs alone")
    for name in came.taken_out:
        click.echo(f"studio.toml named {name}, the other studio's database: it was taken out")
    for text in came.left_out:
        click.echo(f"was not in the backup: {text}")
    click.echo("it is paused. Make sure that the other studio has ended, then: bookai resume")
