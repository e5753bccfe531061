"""`bookai make` and `bookai demo`: one video, watched from source to approval."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

import studio
from bookai.db import jobs
from bookai.db.jobs import JobRow
from bookai.errors import BookAIError
from bookai.settings import read_settings
from studio.commands._door import as_json, operator, print_json, run
from studio.database import seal_audit
from studio.foreground import STAGES, Watch, carry
from studio.wiring import Studio, open_studio
from tools.base import JobDetail

EXAMPLE = Path(studio.__file__).parent / "examples" / "leap-second.md"
SETTLED = frozenset({"waiting", "done", "refused", "failed", "cancelled"})

_FIRST_DAY = """\
# Written with this studio's first video. It has one operator, who may approve what he asked for
# himself. When a second one comes: false, and each approves what the other asked for.
[approvals]
single_operator = true
"""


@click.command(
    epilog="Examples: bookai make article.md · bookai make https://example.org/feed.xml · "
    'bookai make "solar power" · bookai make --resume 7'
)
@click.argument("source", required=False)
@click.option("--resume", type=int, metavar="ID", help="Carry on a stopped job.")
@click.option("--channel", default="default", show_default=True, help="The channel it is for.")
@as_json
def make_command(source: str | None, resume: int | None, channel: str, json_: bool) -> None:
    """Make a video of SOURCE and ask for your approval.

    SOURCE is a path (text, Markdown, HTML, EPUB, a saved feed), a URL of an article or of a feed,
    or a topic in quotes that is looked up in your feeds.
    """
    if (source is None) == (resume is None):
        raise click.UsageError("Give a SOURCE, or --resume ID, and not both.")
    detail = run(_make(source, resume, channel, quiet=json_))
    show(detail, json_)


@click.command(epilog="Example: bookai demo")
@as_json
def demo_command(json_: bool) -> None:
    """Make a video of the bundled example article; carry on the one that was interrupted."""
    show(run(_make(str(EXAMPLE), None, "default", quiet=json_, interrupted=True)), json_)


async def _make(
    source: str | None, resume: int | None, channel: str, *, quiet: bool, interrupted: bool = False
) -> JobDetail:
    settings = read_settings()
    async with open_studio(settings) as house:
        office = house.office
        desk, pool = office.desk, office.database.pool
        if not await jobs.list_rows(pool, jobs.Which(), 1) and _settle_in(settings.home):
            click.echo(
                "one operator, who approves his own videos: "
                f"so says {settings.home / 'studio.toml'} from now on",
                err=True,
            )
        if interrupted and (unfinished := await jobs.list_unfinished(pool, source)):
            resume = unfinished[0]
            click.echo(f"carrying on job {resume}, which was interrupted", err=True)
        if resume is not None:
            row = await jobs.get(pool, resume)
            if row.status not in SETTLED - {"refused", "failed"}:
                await desk.resume_job(resume, operator())
            job_id = resume
        else:
            source = _absolute(source or "")
            made = await desk.create_job(source, channel, operator())
            job_id = made.job_id
        await carry_on(house, job_id, quiet=quiet)
        await seal_audit(office.database, settings)
        return await desk.get_job(job_id)


def _settle_in(home: Path) -> bool:
    """Write the settings of a one-person studio, unless there are some; tell whether it did."""
    home.mkdir(parents=True, exist_ok=True)
    try:
        with (home / "studio.toml").open("x", encoding="utf-8") as file:
            file.write(_FIRST_DAY)
    except FileExistsError:
        return False
    return True


async def carry_on(house: Studio, job_id: int, *, quiet: bool) -> None:
    """Carry a job on in this process until it waits for somebody or ends, and show how it goes."""
    office = house.office
    with display(quiet) as watch:
        await carry(
            office.engine, house.production.advance, office.database.pool, job_id, SETTLED, watch
        )


def _absolute(source: str) -> str:
    """Make a path absolute: whoever carries the job on may stand in another folder."""
    if "://" in source:
        return source
    try:
        path = Path(source).expanduser()
        return str(path.resolve()) if path.exists() else source
    except (OSError, RuntimeError):
        return source  # too long for a path, or a home nobody has: then it is a topic


@contextmanager
def display(quiet: bool) -> Iterator[Watch]:
    """Show stage, percent and elapsed time: a live line on a terminal, a line a stage elsewhere."""
    names = dict(STAGES)
    if quiet:
        yield lambda _row, _elapsed: None
    elif sys.stderr.isatty():
        console = Console(stderr=True, highlight=False)
        with Live(console=console, refresh_per_second=8, transient=True) as live:
            yield lambda row, elapsed: live.update(_line(row, elapsed, names))
    else:
        last: list[tuple[str, int, float]] = [("", -1, 0.0)]

        def watch(row: JobRow, elapsed: float) -> None:
            stage, percent, at = last[0]
            changed = row.stage != stage
            if changed or (row.percent >= percent + 10 and time.monotonic() - at > 1):
                last[0] = (row.stage, row.percent, time.monotonic())
                name = names.get(row.stage, row.stage)
                click.echo(f"{elapsed:6.1f} s  {name:<20} {row.percent:3d} %", err=True)

        yield watch


def _line(row: JobRow, elapsed: float, names: dict[str, str]) -> Table:
    order = [name for name, _ in STAGES]
    step = order.index(row.stage) + 1 if row.stage in order else 0
    grid = Table.grid(padding=(0, 2))
    grid.add_row(
        f"job {row.job_id}",
        f"{step}/{len(order)} {names.get(row.stage, row.stage)}",
        ProgressBar(total=100, completed=row.percent, width=30),
        f"{row.percent:3d} %",
        f"{elapsed:.0f} s",
    )
    return grid


def show(detail: JobDetail, json_: bool) -> None:
    """Print a job; raise for one that stopped on its way."""
    job = detail.job
    if json_:
        print_json(detail)
    else:
        _print(detail)
    if job.status in ("refused", "failed"):
        raise BookAIError(job.reason or f"job {job.job_id} {job.status}")
    if job.status == "queued":
        raise BookAIError(
            f"{job.reason} The job waits; carry on with: bookai make --resume {job.job_id}"
        )


def _print(detail: JobDetail) -> None:
    job = detail.job
    if detail.script:
        click.echo(f"\n{job.title}\n")
        for line in detail.script:
            click.echo(f"  {line}")
        click.echo()
    if detail.video_path:
        click.echo(f"video:      {detail.video_path}")
        click.echo(f"thumbnail:  {detail.thumbnail_path}")
    for fallback in detail.fallbacks:
        click.echo(
            f"fell back:  {fallback.what}: wanted {fallback.wanted}, used {fallback.used}: "
            f"{fallback.why}"
        )
    if detail.stage_seconds:
        names = dict(STAGES)
        took = " · ".join(
            f"{names.get(stage, stage)} {seconds:.1f} s"
            for stage, seconds in sorted(
                detail.stage_seconds.items(), key=lambda one: list(names).index(one[0])
            )
        )
        click.echo(f"took:       {took} · together {sum(detail.stage_seconds.values()):.1f} s")
    if job.status == "waiting":
        click.echo(f"waiting for your approval: bookai approve {job.approval_id}")
    elif job.status == "done":
        click.echo(f"published:  {job.url}")
