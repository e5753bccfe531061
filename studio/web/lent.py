"""What the pages are lent, and the one error that they add to the family."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bookai.db.tokens import TokenRow
from bookai.errors import BookAIError
from bookai.models import VideoJob
from studio.desk import StudioDesk


@dataclass(frozen=True, slots=True)
class Lent:
    """The studio as the pages see it.

    `lookup` turns a token's SHA-256 into the live token; `has_live_token` tells whether one of this
    name still counts; `record` writes an audit event; `public_url` is where a reverse proxy offers
    these pages, if one does.
    """

    desk: StudioDesk
    load_job: Callable[[int], Awaitable[VideoJob]]
    lookup: Callable[[bytes], Awaitable[TokenRow | None]]
    has_live_token: Callable[[str], Awaitable[bool]]
    record: Callable[[str, str, Mapping[str, object]], Awaitable[object]]
    work_dir: Path
    public_url: str | None
    now: Callable[[], datetime]


class Halt(BookAIError):
    """The request ends here, with a page: a status, what happened, and what mends it."""

    def __init__(
        self, status: int, title: str, text: str, mend: str = "", *, after_s: float | None = None
    ) -> None:
        super().__init__(f"{title}: {text} {mend}".strip())
        self.status = status
        self.title = title
        self.text = text
        self.mend = mend
        self.after_s = after_s
