"""The whole batch: keep what is finished, make the rest, write each result down."""

import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from bookai.errors import OperatorNeeded
from studio.batch.crew import MODULE, work
from studio.batch.ledger import Ledger
from studio.batch.records import Made, Setup, Task
from studio.batch.rows import count_rows, read_rows
from studio.batch.telling import Tally
from tools.provenance.chain import open_identity
from tools.provenance.config import read_config
from tools.render_video import render_config

Tell = Callable[[Tally, Made | None], None]


async def run_batch(
    file: Path,
    setup: Setup,
    workers: int,
    tell: Tell,
    *,
    resume: bool = False,
    module: str = MODULE,
) -> Tally:
    """Make a video of each row of `file`; `tell` hears of each result, and of None at the start.

    Raises:
        OperatorNeeded: the file cannot be read, the folder not written, or a setting is wrong.
        Refused: the folder has results and `resume` is not given, or another batch is at it.
    """
    tally = Tally(count_rows(file), time.monotonic())
    with Ledger(Path(setup.out), resume=resume) as ledger:
        _prepare(setup)
        try:

            def on_made(made: Made) -> None:
                ledger.write(made)
                tally.count(made)
                tell(tally, made)

            def pending() -> Iterator[Task]:
                for row in read_rows(file, setup):
                    if isinstance(row, Made):
                        on_made(row)
                    elif ledger.finished(row.number, row.digest):
                        tally.keep()
                    else:
                        yield row

            tell(tally, None)
            await work(pending(), setup, workers, on_made, module=module)
        finally:
            shutil.rmtree(setup.work, ignore_errors=True)
    return tally


def _prepare(setup: Setup) -> None:
    """Clear what a killed run left; make the certificate before many workers would at once."""
    work_dir = Path(setup.work)
    shutil.rmtree(work_dir, ignore_errors=True)
    try:
        work_dir.mkdir(parents=True)
    except OSError as error:
        raise OperatorNeeded(
            f"{str(work_dir)!r} cannot be made: {error.strerror}.",
            mend="Correct the rights of that folder, or give another one: --out DIR",
        ) from error
    render_config(setup.config.get("render_video", {}))  # a wrong value stops it here, once
    signing = read_config(setup.config)
    if signing.enabled:
        open_identity(signing, datetime.now(UTC))
