"""Each line about upkeep is green, or names what to do."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bookai.db import audit, loop
from bookai.db.keeping.looking import clock_ahead_s
from bookai.settings import Settings
from studio.keeping import checks
from studio.keeping.backup import KIND
from studio.office import Office, open_office

NOW = datetime.now(UTC)


@pytest.fixture
async def office(settings: Settings) -> AsyncIterator[Office]:
    async with open_office(settings) as opened:
        yield opened


def at(office: Office, moment: datetime) -> Office:
    return replace(office, clock=lambda: moment)


async def test_a_studio_that_never_ran_unattended_has_only_notes(settings: Settings) -> None:
    rows = {row.what: row.level async for row in checks.upkeep_rows(settings)}

    assert (rows["backup"], rows["loop"], rows["ticks"]) == ("note", "note", "note")
    assert (rows["clock"], rows["time zones"], rows["retention"]) == ("ok", "ok", "ok")
    assert "fail" not in {rows["disk"], rows["systemd"]}


async def test_a_backup_grows_old(office: Office) -> None:
    await audit.append(office.database.pool, KIND, "operator:test", {"file": "b.tar"})

    fresh = await checks.backup(at(office, NOW + timedelta(hours=5)))
    old = await checks.backup(at(office, NOW + timedelta(days=9)))

    assert fresh == ("ok", "b.tar, 5 h ago")
    assert old == ("note", "b.tar, 9 days ago: bookai backup --to FOLDER, on another disk")


async def test_a_leader_that_fell_silent_is_a_failure(office: Office, admin_dsn: str) -> None:
    pool = office.database.pool
    await pool.execute("INSERT INTO loop_epochs (holder) VALUES ('here')")
    leads = await checks.leader(office)
    await pool.execute("UPDATE loop_epochs SET seen_at = now() - interval '1 min'")
    silent = await checks.leader(office)
    await pool.execute("UPDATE loop_epochs SET ended_at = now()")
    ended = await checks.leader(office)

    assert (leads[0], silent[0], ended[0]) == ("ok", "fail", "note")


async def test_late_stuck_and_failing_ticks_are_named(office: Office) -> None:
    pool = office.database.pool
    await pool.execute("INSERT INTO loop_epochs (holder) VALUES ('here')")
    await loop.sync(pool, [loop.Planned(name, "", 60) for name in ("disk", "outbox", "prune")], NOW)
    at_once = await checks.ticks(at(office, NOW))
    for name, state in (("disk", "failed"), ("outbox", "done")):
        tick = await loop.claim(pool, name, "", NOW, 1)
        assert tick is not None
        await loop.finish(pool, tick, 1, state, NOW, "no space")  # type: ignore[arg-type]  # one of its words
    await loop.claim(pool, "prune", "", NOW, 1)

    level, found = await checks.ticks(at(office, NOW + timedelta(minutes=11)))

    assert at_once[0] == "ok"
    assert level == "fail"
    assert "disk failed: no space" in found
    assert "outbox is " in found
    assert "prune runs for 11 min" in found


@pytest.mark.parametrize(
    ("ahead_s", "level"), [(0.1, "ok"), (-1.9, "ok"), (3.0, "note"), (-40.0, "fail")]
)
def test_clocks_that_differ_are_told(ahead_s: float, level: str) -> None:
    assert checks.clock(ahead_s)[0] == level


async def test_the_clock_of_a_database_on_this_machine_is_ours(office: Office) -> None:
    assert abs(await clock_ahead_s(office.database.pool)) < 1


def test_too_little_room_is_a_failure(settings: Settings) -> None:
    limits = settings.disk.model_copy(update={"pause_gib": 100_000.0})
    soon = settings.disk.model_copy(update={"go_gib": 100_000.0})

    assert checks.disk(settings.model_copy(update={"disk": limits}))[0] == "fail"
    assert checks.disk(settings.model_copy(update={"disk": soon}))[0] == "note"


def test_what_is_kept_for_ever_is_noted(settings: Settings) -> None:
    keep = settings.retention.model_copy(update={"media_days": None})

    level, found = checks.retention(settings.model_copy(update={"retention": keep}))

    assert (level, found.startswith("films for ever")) == ("note", True)


def test_user_services_need_to_linger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "systemctl"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    target = tmp_path / ".config/systemd/user/bookai.target"
    linger = tmp_path / "linger"
    linger.mkdir()

    away = checks.units(tmp_path, booted=tmp_path / "no", linger=linger)
    fresh = checks.units(tmp_path, booted=tmp_path, linger=linger)
    target.parent.mkdir(parents=True)
    target.touch()
    ends = checks.units(tmp_path, booted=tmp_path, linger=linger)
    (linger / checks._login()).touch()
    stays = checks.units(tmp_path, booted=tmp_path, linger=linger)

    assert [line[0] for line in (away, fresh, ends, stays)] == ["note", "note", "fail", "ok"]
    assert "enable-linger" in ends[1]
