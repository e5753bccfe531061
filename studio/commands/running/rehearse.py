"""`bookai rehearse`: a simulated week of the studio, before the first real day."""

import re
import shutil
import tempfile
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from bookai.errors import BookAIError
from studio.commands._door import as_json, print_json, print_rows, run
from studio.rehearsal.home import make_home
from studio.rehearsal.record import Film, RehearsalReport
from studio.rehearsal.run import rehearse
from studio.rehearsal.world import World, make_world, read_channels

MOST_DAYS = 31
_SPAN = re.compile(r"^(\d{1,3})([dh])$")


@click.command(
    epilog="Examples: bookai rehearse · bookai rehearse 1d --seed 7 · "
    "bookai rehearse 7d --keep ~/rehearsal --films 2"
)
@click.argument("span", default="7d", metavar="[SPAN]")
@click.option("--seed", type=click.IntRange(0, 10**9), default=1, show_default=True)
@click.option("--films", type=click.IntRange(0, 50), default=0, help="So many real, small films.")
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep the rehearsal's home in this new folder, to look around in.",
)
@click.option(
    "--channels",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Rehearse the [channels] of this studio.toml; nothing else of it is used.",
)
@as_json
def rehearse_command(  # click hands each option by its name
    span: str, seed: int, films: int, keep: Path | None, channels: Path | None, json_: bool
) -> None:
    """Run SPAN (7d, 36h) of the real loop in minutes, with a virtual clock and simulated people.

    Nothing leaves this machine: feeds, platform, viewers and operators are simulated, the database
    is its own and marks everything in it. The same seed gives the same week.
    """
    days = _days(span)
    world = make_world(seed, read_channels(channels) if channels else None)
    folder = keep or Path(tempfile.mkdtemp(prefix="bookai-rehearsal-")) / "home"
    if keep is None:
        folder.parent.chmod(0o711)
    try:
        home = make_home(folder)

        def tell(at: datetime, what: str) -> None:
            if not json_:
                click.echo(f"{at:%a %H:%M}  {what}", err=True)

        report = run(rehearse(world, days, home, seed=seed, films=films, tell=tell))
    finally:
        if keep is None:
            shutil.rmtree(folder.parent, ignore_errors=True)
    report = report.model_copy(update={"home": str(folder.absolute()) if keep else None})
    if json_:
        print_json(report)
    else:
        _print(report, world)
    if not report.ok:
        raise BookAIError("the rehearsal broke a promise of the studio; it is named above.")


def _days(span: str) -> float:
    match = _SPAN.match(span)
    days = int(match[1]) / (24 if match[2] == "h" else 1) if match else 0.0
    if not 0 < days <= MOST_DAYS:
        raise click.BadParameter(
            f"{span!r} is no span: write it as 7d or 36h, up to {MOST_DAYS}d.", param_hint="SPAN"
        )
    return days


def _print(report: RehearsalReport, world: World) -> None:
    click.echo(
        f"\nSIMULATED: {report.begins_at:%a %d %b %Y} to {report.ends_at:%a %d %b %Y}, "
        f"seed {report.seed}, {report.took_s:.0f} s of real time\n"
    )
    zones = {name: str(one.get("time_zone", "UTC")) for name, one in world.channels.items()}
    print_rows(
        report.films,
        (
            ("job", lambda one: one.job_id),
            ("channel", lambda one: one.channel),
            ("story", lambda one: one.title),
            ("asked", lambda one: _local(one.asked_at, zones[one.channel])),
            ("answer", _answer),
            ("slot", lambda one: _local(one.slot_at, zones[one.channel])),
            ("out", lambda one: _local(one.published_at, zones[one.channel])),
            ("views", lambda one: one.views),
        ),
        "nothing was made",
    )
    click.echo("\nTimes are those of the channel's own zone.\n")
    for film in report.films:
        if film.reason:
            click.echo(_plain(f"job {film.job_id} {film.state}: {film.reason}"))
    _print_broken(report)
    _print_climbs(report)
    click.echo("\nWhat it earned (simulated)")
    for one in report.earned:
        click.echo(
            f"  {one.currency}: {one.minor / 100:.2f} from {one.sales} sales, {one.clicks} clicks"
        )
    if not report.earned:
        click.echo("  nothing")
    click.echo("\nWhat the loop did")
    for tick in report.ticks:
        click.echo(
            f"  {tick.name}: {tick.ticks} ticks for {tick.slots} slots, {tick.failed} failed"
        )
    click.echo("\nWhat was proved")
    for proof in report.proofs:
        found = f"  {'ok ' if proof.ok else 'BROKEN'} {proof.promise}: {proof.found}"
        click.echo(_plain(found))
    if report.home:
        click.echo(f"\nIt is kept in {report.home}: BOOKAI_HOME={report.home} bookai jobs")


def _print_broken(report: RehearsalReport) -> None:
    click.echo("\nWhat broke, and how it was met")
    for broken in report.broken:
        click.echo(_plain(f"  {broken.what}, {_times(broken.times)}: {broken.met}"))
        for why in broken.unmet:
            click.echo(_plain(f"    NOT MET: {why}"))
    if not report.broken:
        click.echo("  nothing broke")


def _print_climbs(report: RehearsalReport) -> None:
    click.echo("\nWhat the studio approved by itself")
    for climb in report.climbs:
        click.echo(
            f"  {climb.rule}: {climb.by_rule} approved, at most {climb.per_day} a day, granted by "
            f"{climb.granted_by}; {climb.level} at the end"
        )
        for step in climb.steps:
            click.echo(_plain(f"    {step}"))
    if not report.climbs:
        click.echo("  nothing: no rule was granted")


def _plain(text: str) -> str:
    """Return a line with a feed's words in it as one that moves no cursor and colours nothing."""
    return "".join(one if one.isprintable() else " " for one in text)


def _times(times: int) -> str:
    return "once" if times == 1 else f"{times} times"


def _local(at: datetime | None, zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(zone)):%a %H:%M}" if at else "-"


def _answer(film: Film) -> str:
    who = (film.decided_by or "").removeprefix("operator:simulated-")
    return f"{film.decided}, {who}" if who else film.decided
