"""`bookai doctor`: each line green, or one named mend."""

import click

from bookai.errors import BookAIError
from bookai.settings import read_settings
from studio.commands._door import as_json, print_json, run
from studio.steer.checks import examine


@click.command(epilog="Example: bookai doctor --json")
@as_json
def doctor_command(json_: bool) -> None:
    """Check everything the studio needs on this machine; each failure names its mend."""
    rows = run(examine(read_settings()))
    if json_:
        print_json(rows)
    else:
        for row in rows:
            click.echo(f"{row.level:<5} {row.what:<12} {row.found}")
    failed = [row.what for row in rows if row.level == "fail"]
    if failed:
        raise BookAIError(f"to mend: {', '.join(failed)} (see above).")
