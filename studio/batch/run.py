"""The whole batch: keep what is finished, make the rest, write each result down."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from bookai.errors import OperatorNeeded, Refused
from studio.batch.crew import MODULE, work
from studio.batch.ledger import Ledger
from studio.batch.records import Made, Setup, Task
from studio.batch.rows import count_rows, read_rows
from studio.batch.telling import Tally
from tools.media.gather import read_shelf
from tools.media.intake import media_folder
from tools.provenance.chain import open_identity
from tools.provenance.config import read_config
from tools.render.brand import read_kit
from tools.render.cards import logo
from tools.render.engine.targets import render_config

MARK = ".bookai-batch"  # lies in the scratch folder: what has it is ours to remove

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
        Refused: the folder has results and `resume` is not given, another batch is at it, or
            something that no batch made lies where its scratch folder goes.
    """
    _judge(setup)
    tally = Tally(count_rows(file), time.monotonic())
    with Ledger(Path(setup.out), resume=resume) as ledger, _scratch(Path(setup.work)):

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
    return tally


def _judge(setup: Setup) -> None:
    """Read the settings once: what is wrong with them is told before any row, not by every row.

    It also makes the certificate, before many workers would at once.
    """
    config = render_config(setup.config.get("render_video", {}))
    read_kit(setup.kit, "")
    if setup.kit.logo:
        logo(setup.kit.logo, 64, 64)
    font = config.font or setup.kit.font
    if font and not Path(font).is_file():
        raise OperatorNeeded(
            f"The font {font!r} is no file.",
            mend="Correct font in [plugins.render_video] or [channels.NAME.kit] of studio.toml.",
        )
    if (shelf := media_folder(setup.config)) is not None:
        read_shelf(shelf)
    signing = read_config(setup.config)
    if signing.enabled:
        open_identity(signing, datetime.now(UTC))


@contextmanager
def _scratch(folder: Path) -> Iterator[None]:
    """Make the scratch folder, without what a killed run left in it; remove it in the end.

    Raises:
        OperatorNeeded: it cannot be made.
        Refused: something that no batch made lies there.
    """
    try:
        _clear(folder)
        folder.mkdir(parents=True)
        (folder / MARK).touch()
    except OSError as error:
        raise OperatorNeeded(
            f"{str(folder)!r} cannot be made: {error.strerror}.",
            mend="Correct the rights of that folder, or give another one: --out DIR",
        ) from error
    try:
        yield
    finally:
        with suppress(OSError, Refused):
            _clear(folder)


def _clear(folder: Path) -> None:
    """Remove a scratch folder, its mark last: a removal that is broken off can be gone on with."""
    if not os.path.lexists(folder):
        return
    mark = folder / MARK
    ours = folder.is_dir() and not folder.is_symlink()
    inside = list(folder.iterdir()) if ours else []
    if not ours or (inside and not mark.is_file()):
        raise Refused(f"{str(folder)!r} is no batch's: move it away, then go on with --resume.")
    for path in inside:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path != mark:
            path.unlink()
    mark.unlink(missing_ok=True)
    folder.rmdir()
