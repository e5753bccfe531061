"""What every command shares: settings, logging, running the event loop, printing."""

import asyncio
import json
import logging
import os
import sys
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, TypeVar

import click
from procrastinate.exceptions import ProcrastinateException
from rich.console import Console
from rich.table import Table

from bookai.db.pool import DATABASE_ERRORS
from bookai.errors import OperatorNeeded
from bookai.models import Record
from studio.logs import open_logs

if sys.platform == "win32":
    import getpass
else:
    import pwd

T = TypeVar("T")

_LOOK = "Look with `bookai doctor`; carry a job on with `bookai make --resume ID`."

as_json = click.option("--json", "json_", is_flag=True, help="Print JSON instead of text.")


def operator() -> str:
    """Return the principal of whoever runs this command: the operating system's user.

    On POSIX it goes by the process's uid: LOGNAME and USER are what anyone writes into them.
    """
    if sys.platform == "win32":
        return f"operator:{getpass.getuser()}"
    try:
        return f"operator:{pwd.getpwuid(os.getuid()).pw_name}"
    except KeyError:  # a uid without a name, as in some containers
        return f"operator:uid-{os.getuid()}"


def run(work: Coroutine[Any, Any, T], *, verbose: bool = False) -> T:
    """Run one command's work. An error inside a task group comes out as itself."""
    open_logs(logging.INFO if verbose else logging.ERROR)
    if not verbose:
        # Their words about a database that went away would bury our one line with the mend.
        for library in ("asyncio", "procrastinate", "psycopg", "psycopg.pool"):
            logging.getLogger(library).setLevel(logging.CRITICAL)
    try:
        return _run(work)
    except (*DATABASE_ERRORS, ProcrastinateException) as error:
        raise OperatorNeeded(
            f"the database went away while we worked ({type(error).__name__}).",
            mend=_LOOK,
        ) from error
    except TimeoutError as error:
        raise OperatorNeeded(
            "the database did not answer in time.", mend=f"What keeps it busy? {_LOOK}"
        ) from error
    except BrokenPipeError:
        raise  # whoever read our output has enough
    except OSError as error:
        raise OperatorNeeded(
            f"{error.filename or type(error).__name__}: {error.strerror or 'it failed'}.",
            mend="Look at the rights and the free space there, then try again.",
        ) from error


def _run(work: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(work)
    except BaseExceptionGroup as group:
        raise _first(group) from group


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner


def print_json(value: object) -> None:
    """Print records, mappings or lists of them as JSON."""
    click.echo(json.dumps(_plain(value), indent=2, ensure_ascii=False, default=str))


def _plain(value: object) -> object:
    if isinstance(value, Record):
        return value.model_dump(mode="json")
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value


def print_rows(
    rows: Iterable[T], columns: Sequence[tuple[str, Callable[[T], object]]], empty: str
) -> None:
    """Print a table that stays readable in a pipe; `empty` is said when there is nothing."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title, _ in columns:
        table.add_column(title, overflow="fold")
    count = 0
    for row in rows:
        count += 1
        table.add_row(*(_cell(read(row)) for _, read in columns))
    if count == 0:
        click.echo(empty)
        return
    # In a pipe nobody wraps: wide enough for whole titles, reasons and URLs.
    width = None if sys.stdout.isatty() else 400
    Console(width=width, highlight=False, markup=False).print(table)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    text = f"{value:%Y-%m-%d %H:%M}" if hasattr(value, "strftime") else str(value)
    # A title from a feed must not move the cursor or colour the terminal.
    return "".join(c if c.isprintable() else " " for c in text)
