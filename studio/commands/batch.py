"""`bookai batch`: a video of each row of a file."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import click

from bookai.errors import BookAIError, OperatorNeeded
from bookai.settings import Settings, read_settings
from studio.batch.crew import default_workers
from studio.batch.records import FORMATS, Format, Made, Setup
from studio.batch.run import run_batch
from studio.batch.telling import Tally
from studio.commands._door import as_json, print_json, run
from studio.office import c2pa_table

CLEAR = "\r\x1b[K"


@click.command(epilog="Example: bookai batch videos.jsonl --out videos --format 9:16 --format 1:1")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Default: FILE's name.")
@click.option(
    "--workers", type=click.IntRange(1, 256), metavar="N", help="Videos at once; default: cores."
)
@click.option(
    "--format", "formats", multiple=True, type=click.Choice(FORMATS), help="Once or several times."
)
@click.option("--channel", default="default", show_default=True, help="Whose voice and brand.")
@click.option("--resume", is_flag=True, help="Keep finished rows, make the others.")
@as_json
def batch_command(  # noqa: PLR0913 (a command's parameters are its options)
    file: Path,
    out: Path | None,
    workers: int | None,
    formats: tuple[Format, ...],
    channel: str,
    resume: bool,
    json_: bool,
) -> None:
    """Make a video of each row of FILE: spoken, rendered, checked, not published.

    A row is a JSON object: {"title", "lines", "language"}, a whole {"script"}, or {"source": PATH}.
    DIR gets a folder a row, and results.jsonl with a line a row. No database is needed.
    """
    setup = _setup(read_settings(), channel, out or Path(file.stem), tuple(dict.fromkeys(formats)))
    workers = workers or default_workers()
    tally = run(run_batch(file.absolute(), setup, workers, _teller(json_), resume=resume))
    if json_:
        print_json(
            {"rows": tally.total, "kept": tally.kept, "made": tally.done, "failed": tally.failed}
        )
    if tally.failed:
        raise BookAIError(
            f"{tally.failed} of {tally.total} rows failed: results.jsonl in {setup.out!r} says why."
            " Make them again with --resume."
        )
    if not json_:
        click.echo(f"{tally.settled} videos in {setup.out}")


def _setup(settings: Settings, channel: str, out: Path, formats: tuple[Format, ...]) -> Setup:
    chosen = settings.channels.get(channel)
    if chosen is None:
        raise OperatorNeeded(
            f"There is no channel {channel!r}.",
            mend=f"Take one of these: {', '.join(sorted(settings.channels))}.",
        )
    out = out.absolute()
    return Setup(
        out=str(out),
        work=str(out / ".work"),
        config={**settings.plugins, "c2pa": c2pa_table(settings)},
        voice=chosen.voice,
        brand=chosen.brand,
        seconds=chosen.seconds,
        formats=formats,
        kit=chosen.kit,
    )


def _teller(quiet: bool) -> Callable[[Tally, Made | None], None]:
    """Return who tells of the progress: on a terminal one line that changes, else a line a row."""
    live = sys.stderr.isatty()

    def tell(tally: Tally, made: Made | None) -> None:
        if quiet:
            return
        if made is not None and not made.ok:
            error = "".join(c if c.isprintable() else " " for c in made.error)
            click.echo(f"{CLEAR if live else ''}row {made.row}: {error}", err=True)
        if live or made is not None:
            line = tally.line(time.monotonic())
            click.echo(f"{CLEAR}{line}" if live else line, err=True, nl=not live)
        if live and tally.settled == tally.total:
            click.echo("", err=True)

    return tell
