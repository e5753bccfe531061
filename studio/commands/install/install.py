"""`bookai install` and `bookai uninstall`."""

import os
from pathlib import Path

import click
import platformdirs

from bookai.errors import OperatorNeeded
from bookai.settings import read_settings
from studio.install.database import (
    VARIABLE,
    check_enough,
    check_same_database,
    stored_in,
    written_in,
)
from studio.install.machine import Machine
from studio.install.place import CREDSTORE, PREFIX, Place, Scope, credentials_in, program
from studio.install.steps import install, plan, uninstall
from studio.install.units import started, units

SYSTEM_UNITS = Path("/etc/systemd/system")
SYSTEM_HOME = Path("/var/lib/bookai")
MOST_WORKERS = 64

_scope = click.option(
    "--system/--user",
    "is_system",
    default=None,
    help="For the machine, from boot on; or for you, with your rights.",
)


@click.command(
    epilog="Examples: bookai install --user --dry-run · "
    "sudo /opt/bookai/.venv/bin/bookai install --system --with-postgres --workers 2"
)
@_scope
@click.option("--workers", type=click.IntRange(0, MOST_WORKERS), default=1, show_default=True)
@click.option("--with-postgres", is_flag=True, help="Keep the embedded Postgres by its own unit.")
@click.option("--dry-run", is_flag=True, help="Print the files and commands; change nothing.")
def install_command(
    is_system: bool | None, workers: int, with_postgres: bool, dry_run: bool
) -> None:
    """Have systemd run the studio: write the units, verify, enable and start them.

    Done again it changes only what differs. Your own changes belong in `systemctl edit`.
    """
    scope = _chosen(is_system)
    machine = Machine(scope)
    if not dry_run:
        machine.check()
    place = _place(scope, workers, with_postgres, machine.version())
    if dry_run:
        _show(place, machine)
        return
    install(place, machine, click.echo)
    click.echo(_farewell(place))


@click.command(epilog="Example: bookai uninstall --user")
@_scope
def uninstall_command(is_system: bool | None) -> None:
    """Stop the studio's units and remove what `bookai install` wrote; all data stays."""
    scope = _chosen(is_system)
    machine = Machine(scope)
    machine.check()
    folder = _folder(scope)
    if not uninstall(folder, machine, click.echo):
        click.echo(f"There is nothing of ours in {folder}.")
        return
    home = SYSTEM_HOME if scope == "system" else read_settings().home
    click.echo(f"The studio runs no more by itself. Its data stays in {home}.")


def _chosen(is_system: bool | None) -> Scope:
    if is_system is None:
        raise click.UsageError("Say --system (from boot on, as root) or --user (for you).")
    return "system" if is_system else "user"


def _folder(scope: Scope) -> Path:
    if scope == "system":
        return SYSTEM_UNITS
    return Path(platformdirs.user_config_dir("systemd")) / "user"


def _place(scope: Scope, workers: int, with_postgres: bool, version: int) -> Place:
    folder, runs = _folder(scope), program()
    if scope == "system":
        names, stored = credentials_in(), CREDSTORE / f"{PREFIX}{VARIABLE}"
        # sudo takes variables away, so that a shell without one says nothing.
        if os.environ.get(VARIABLE):
            check_same_database(stored, stored_in(stored))
        check_enough(workers, embedded=VARIABLE not in names, keeper=with_postgres)
        return Place(
            scope, runs, folder, workers=workers, with_postgres=with_postgres, version=version,
            credentials=names,
        )  # fmt: skip
    settings = read_settings()
    secrets = Path(platformdirs.user_config_dir("bookai")) / "secrets.env"
    check_same_database(secrets, written_in(secrets))
    if settings.dsn and with_postgres:
        raise OperatorNeeded(
            "BOOKAI_DSN names a Postgres, so there is no embedded one to keep.",
            mend="Leave out --with-postgres, or unset BOOKAI_DSN.",
        )
    check_enough(workers, embedded=not settings.dsn, keeper=with_postgres)
    return Place(scope, runs, folder, settings.home, secrets, workers, with_postgres, version)


def _show(place: Place, machine: Machine) -> None:
    """Print what an installation would write and run."""
    for name, text in units(place).items():
        click.echo(f"==> {place.folder / name}\n{text}")
    change = plan(place)
    click.echo("==> commands")
    if change.stop:
        click.echo(" ".join(machine.command("disable", "--now", *change.stop)))
    click.echo(" ".join(machine.command("daemon-reload")))
    click.echo(" ".join(machine.command("enable", *started(place))))
    click.echo(" ".join(machine.command("start", *started(place))))


def _farewell(place: Place) -> str:
    me = "--user " if place.scope == "user" else ""
    lines = [
        f"The studio runs. See it: systemctl {me}status 'bookai*' · journalctl {me}-f -t bookai",
        f"Its data is in {place.home}; its settings are {place.home / 'studio.toml'}.",
    ]
    if place.scope == "system":
        lines.append(
            "Secrets: /etc/credstore/bookai.NAME, mode 600, for the variable NAME or for "
            "credential:NAME; then install again."
        )
    elif place.secrets:
        lines.append(f"Secrets: {place.secrets}, mode 600, NAME=value a line; then restart.")
    return "\n".join(lines)
