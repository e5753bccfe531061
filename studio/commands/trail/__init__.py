"""`bookai audit`: prove the log, read the log."""

import click

from studio.commands.trail.keep import erase, export
from studio.commands.trail.prove import prove
from studio.commands.trail.read import search, tail
from studio.commands.trail.verify import verify


@click.group(name="audit", epilog="Example: bookai audit verify")
def audit_command() -> None:
    """Verify or read the audit log."""


for command in (verify, prove, tail, search, export, erase):
    audit_command.add_command(command)
