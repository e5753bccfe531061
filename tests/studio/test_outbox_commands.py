"""`bookai outbox` as an operator meets it, on a database with a post of each kind of trouble."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bookai.db.pool import open_pool
from bookai.models import NotPosted
from tests.studio.test_posts import Case

BOOKAI = Path(sys.executable).parent / "bookai"


@pytest.fixture
def env(dsn: str, admin_dsn: str, tmp_path: Path) -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("BOOKAI_")},
        "BOOKAI_HOME": str(tmp_path / "home"),
        "BOOKAI_DSN": dsn,
        "BOOKAI_ADMIN_DSN": admin_dsn,
        "BOOKAI_METRICS_PORT": "0",
    }


def outbox(env: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [BOOKAI, "outbox", *arguments],
        env=env,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


@pytest.mark.timeout(180)
def test_an_operator_sees_what_is_stuck_and_settles_it(env: dict[str, str], dsn: str) -> None:
    async def make_trouble() -> tuple[int, int]:
        async with open_pool(dsn, size=2) as pool:
            dead, unknown = Case(pool), Case(pool)
            for case in (dead, unknown):
                await case.begin()
                await case.end("failed")
            never = NotPosted(reason="invalidTitle", again="never")
            await dead.desk.mark_not_posted(dead.post_id, 1, never, "host:1")
            await unknown.desk.keep_sending(unknown.post_id, 1, "host:1", "https://u/?key=s3cret")
            await unknown.desk.mark_unknown(unknown.post_id, 1, "the answer got lost")
            return dead.post_id, unknown.post_id

    dead_id, unknown_id = asyncio.run(make_trouble())

    listed = outbox(env, "list")
    shown = outbox(env, "show", str(unknown_id), "--json")
    replayed = outbox(env, "replay", str(dead_id))
    again = outbox(env, "replay", str(dead_id))
    settled = outbox(
        env, "resolve", str(unknown_id), "--posted", "--id", "v1", "--url", "https://v"
    )

    assert "invalidTitle" in listed.stdout
    assert "the answer got lost" in listed.stdout
    assert json.loads(shown.stdout)["has_handle"] is True
    assert "s3cret" not in shown.stdout + listed.stdout
    assert replayed.stdout.startswith(f"post {dead_id} is armed again"), replayed.stderr
    assert (again.returncode, again.stderr.count("\n")) == (1, 1)
    assert "only a dead letter is replayed" in again.stderr
    assert settled.stdout.strip() == f"post {unknown_id} is out: https://v", settled.stderr
