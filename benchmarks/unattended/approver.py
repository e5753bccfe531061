"""An operator who says yes to everything, from a thread of his own."""

import asyncio
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from bookai.db.pool import DATABASE_ERRORS
from bookai.errors import BookAIError, Refused
from bookai.settings import read_settings
from studio.office import Office, open_office

LOOK_S = 1.0
AGAIN_S = 2.0
AT_ONCE = 100
NAME = "operator:benchmark"


class Approver:
    """`with Approver(home) as approver:` answers every `look_s`; `approved` counts his words."""

    def __init__(self, home: Path, look_s: float = LOOK_S) -> None:
        self._look_s = look_s
        self._home = home
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._error: BaseException | None = None
        self.approved = 0

    def __enter__(self) -> "Approver":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def raise_error(self) -> None:
        """Raise what ended him before his time."""
        if self._error is not None:
            raise self._error

    def _live(self) -> None:
        try:
            asyncio.run(self._answer())
        except BaseException as error:  # noqa: BLE001  # the door of a thread: told by raise_error
            self._error = error

    async def _answer(self) -> None:
        settings = read_settings({"BOOKAI_HOME": str(self._home), "BOOKAI_METRICS_PORT": "0"})
        while not self._stop.is_set():
            with suppress(BookAIError, OSError, *DATABASE_ERRORS):
                async with open_office(settings) as office:
                    while not self._stop.is_set():
                        await self._round(office)
                        await asyncio.sleep(self._look_s)
            if not self._stop.is_set():
                await asyncio.sleep(AGAIN_S)

    async def _round(self, office: Office) -> None:
        for row in await office.desk.list_approvals("pending", AT_ONCE):
            with suppress(Refused):  # its job ended, or its time is over
                await office.desk.decide_approval(row.approval_id, True, "benchmark", NAME)
                self.approved += 1
