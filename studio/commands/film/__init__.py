"""`bookai shots`, `swap`: what each sentence of a video is shown with."""

from collections.abc import Awaitable, Callable
from typing import TypeVar, get_args

import click

from bookai.film.shots import ShotKind
from bookai.settings import read_settings
from studio.commands._door import as_json, operator, print_json, print_rows, run
from studio.commands.make import carry_on, show
from studio.database import seal_audit
from studio.desk import StudioDesk
from studio.office import open_office
from studio.wiring import open_studio
from tools.base import JobDetail

T = TypeVar("T")


async def _ask(question: Callable[[StudioDesk], Awaitable[T]]) -> T:
    async with open_office(read_settings()) as office:
        return await question(office.desk)


@click.command(epilog="Example: bookai shots 7")
@click.argument("job_id", type=click.IntRange(min=1))
@as_json
def shots_command(job_id: int, json_: bool) -> None:
    """Show what each sentence is shown with, why, and what else it could be."""
    detail = run(_ask(lambda desk: desk.get_job(job_id)))
    if json_:
        print_json(detail.shots)
        return
    print_rows(
        detail.shots,
        (
            ("line", lambda r: r.line),
            ("sentence", lambda r: detail.script[r.line]),
            ("shot", lambda r: r.shot),
            ("score", lambda r: f"{r.score:.2f}"),
            ("why", lambda r: r.why),
            ("or", lambda r: ", ".join(r.others)),
            ("licence", lambda r: r.licence),
        ),
        f"job {job_id} has no video yet",
    )


@click.command(epilog="Example: bookai swap 7 3 phrase")
@click.argument("job_id", type=click.IntRange(min=1))
@click.argument("line", type=click.IntRange(min=0))
@click.argument("kind", type=click.Choice(get_args(ShotKind)))
@as_json
def swap_command(job_id: int, line: int, kind: ShotKind, json_: bool) -> None:
    """Show KIND with sentence LINE of a job that waits for approval.

    `bookai shots JOB_ID` lists the lines and what each can be. Only that scene is made again; the
    open approval becomes void and is asked anew.
    """
    show(run(_swap(job_id, line, kind, quiet=json_)), json_)


async def _swap(job_id: int, line: int, kind: ShotKind, *, quiet: bool) -> JobDetail:
    settings = read_settings()
    async with open_studio(settings) as house:
        desk = house.office.desk
        await desk.swap_shot(job_id, line, kind, operator())
        await carry_on(house, job_id, quiet=quiet)
        await seal_audit(house.office.database, settings)
        return await desk.get_job(job_id)
