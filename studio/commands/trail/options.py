"""What the commands about the log share: options, times, and texts that cannot move the cursor."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO, TypeVar

import click

from bookai.db.audit import Event
from bookai.errors import OperatorNeeded

F = TypeVar("F", bound=Callable[..., Any])


def moment(text: str) -> datetime:
    """Read a time in ISO 8601; without an offset it is UTC.

    Raises:
        click.BadParameter: it is no time.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter(
            f"{text!r} is no time: write 2026-11-25 or 2026-11-25T18:30+01:00"
        ) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _moment(_ctx: click.Context, _param: click.Parameter, text: str | None) -> datetime | None:
    return None if text is None else moment(text)


def narrowing(command: F) -> F:
    """Add the options that say which events are wanted."""
    for option in (
        click.option("--job", "job_id", type=click.IntRange(min=1), help="Only this job."),
        click.option("--actor", help="Only this actor, for example operator:anna."),
        click.option(
            "--kind", help="Only this kind, for example approval.decided; `post.` finds all posts."
        ),
    ):
        command = option(command)
    return command


def between(command: F) -> F:
    """Add the options that say from when to when."""
    for option in (
        click.option("--until", metavar="TIME", callback=_moment, help="Only before this time."),
        click.option("--since", metavar="TIME", callback=_moment, help="Only from this time on."),
    ):
        command = option(command)
    return command


def echo_event(event: Event, *, json_: bool) -> None:
    """Print an event: one line of JSON, or lines for people."""
    if json_:
        click.echo(json.dumps(event.model_dump(mode="json"), ensure_ascii=False))
        return
    job = f" job {event.job_id}" if event.job_id else ""
    click.echo(f"{event.event_id:>6} {event.at:%Y-%m-%d %H:%M:%S} {event.kind} ", nl=False)
    click.echo(f"{printable(event.actor)}{job}")
    click.echo(f"       {printable(event.body)}")
    for name, text in event.personal.items():
        click.echo(f"       {printable(name)}: {printable(text)}")


def printable(text: str) -> str:
    """Return a text of the world as something that cannot move the cursor or colour a terminal."""
    return "".join(c if c.isprintable() else " " for c in text)


@contextmanager
def written_whole(path: Path | None) -> Iterator[TextIO]:
    """Lend a file that appears under its name when all is written; without a name, the output.

    Raises:
        OperatorNeeded: it cannot be written.
    """
    if path is None:
        yield sys.stdout
        return
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("w", encoding="utf-8") as file:
            yield file
        part.replace(path)
    except OSError as error:
        raise OperatorNeeded(
            f"{path} cannot be written: {error.strerror}.", mend="Name another file."
        ) from error
    finally:
        part.unlink(missing_ok=True)
