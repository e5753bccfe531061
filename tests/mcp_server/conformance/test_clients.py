"""The TypeScript clients of both eras live the operator's day through the studio's own door."""

import json
from pathlib import Path

import pytest

from bookai.db.mcp.tasks import Tasks
from bookai.db.pool import Pool
from tests.mcp_server.conformance.stage import TOKEN, Stage, opened
from tests.mcp_server.tasks.orders import order
from tests.peers import judges


def outcomes(stage: Stage) -> list[tuple[str, str]]:
    """Return each call's tool and outcome, as the audit log has them."""
    return [(row["tool"], row["outcome"]) for kind, _, row in stage.rows if kind == "tool.called"]


@pytest.mark.conformance
@pytest.mark.parametrize(
    ("client", "era"), [("legacy.mjs", "2025-11-25"), ("modern.mjs", "2026-07-28")]
)
async def test_a_typescript_client_lists_calls_answers_renders_approves_and_cancels(
    pool: Pool, dsn: str, tmp_path: Path, client: str, era: str
) -> None:
    """Point 3: the SDKs 1.x and 2.x, the second with the official Tasks package."""
    judges.require()
    stage = Stage(store=Tasks(pool, dsn), work_dir=tmp_path)
    asked = json.dumps(order(tmp_path, lines=2))

    async with opened(stage.server(None)) as url:
        ran = await judges.run(judges.script(client), url, TOKEN, asked)
    assert ran.code == 0, ran.err

    said = ran.told
    assert (said["server"], said["era"]) == ("bookai-studio", era)
    assert said["tools"] == sorted(said["tools"])
    assert {"make_video", "render_video", "decide_approval"} <= set(said["tools"])
    assert "daily_briefing" in said["prompts"]
    assert said["resources"] > 0
    assert said["templates"] > 0
    assert said["called"] == "queued"
    assert "Ada" in said["elicited"]
    assert said["rendered"]["size_bytes"] > 0
    assert said["heard"] == sorted(said["heard"])
    assert len(said["heard"]) > 1
    # Asked before each decision: declined, nothing was decided; agreed, it was, once.
    assert said["asked"][0] == "Who is there?"
    assert said["asked"][1] == said["asked"][2]
    assert "Rain on Mars" in said["asked"][1]
    assert "decide_approval did nothing" in said["declined"]
    assert said["approved"] == ["approved", "operator:alice"]
    assert [decided[1] for decided in stage.desk.decided] == [True]
    assert said["cancelled"] == "cancelled"
    assert ("slow_compute", "cancelled") in outcomes(stage)
    assert said["misfit"][0] is True
    assert "loud: there is no such argument" in said["misfit"][1]
    assert said["unknown"] == -32602
