"""Cursors of lists: opaque to the caller, so that what they hold may change."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Sequence
from typing import Annotated, TypeVar

from pydantic import Field

from bookai.errors import Refused

Cursor = Annotated[
    str | None,
    Field(max_length=64, description="`next_cursor` of the page before; null for the first."),
]
NextCursor = Annotated[str | None, Field(description="For the next page; null: this is the last.")]

R = TypeVar("R")

_SEALED = re.compile(r"([a-z]+):(\d{1,18})")


def place_of(cursor: str | None, of: str) -> int | None:
    """Return the number that a cursor of the list `of` holds; None for the first page.

    Raises:
        Refused: it is no cursor of that list.
    """
    if cursor is None:
        return None
    try:
        text = urlsafe_b64decode(cursor.encode()).decode()
    except (Error, UnicodeError):
        text = ""
    match = _SEALED.fullmatch(text)
    if match is None or match[1] != of:
        raise Refused("there is no such cursor. Begin again without one.")
    return int(match[2])


def cursor_at(of: str, place: int) -> str:
    """Return the cursor of the list `of` that holds a number."""
    return urlsafe_b64encode(f"{of}:{place}".encode()).decode()


def page_of(rows: Sequence[R], limit: int) -> tuple[tuple[R, ...], bool]:
    """Return the rows of a page, of which one more was asked for, and whether more follow."""
    return tuple(rows[:limit]), len(rows) > limit
