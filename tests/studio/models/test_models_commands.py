"""`bookai models` as its user meets it, against servers that speak real protocols."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from click.testing import CliRunner, Result

from bookai.db import audit
from bookai.testing.fake_ollama import Config, FakeOllama
from bookai.testing.fake_ollama.config import LLAMA, MISTRAL
from studio.cli import bookai
from tests.peers.fake_anthropic import FakeAnthropic
from tests.peers.fake_openai import FakeOpenAI

KEY = "sk-ant-secret-of-ours"
SAID = {"answer": "Coordinated Universal Time.\x1b[31m"}
VLLM = """
[models]
creative = ["openai_compatible/tiny"]
technical = ["openai_compatible/tiny", "openai_compatible/large"]
short_copy = []
translation = []
judge = []
[[models.servers]]
provider = "openai_compatible"
name = "vllm"
url = "{url}/v1"
"""
CLAUDE = """
[models]
creative = ["anthropic/claude-tiny-4"]
technical = []
short_copy = []
translation = []
judge = []
[[models.servers]]
provider = "anthropic"
name = "claude"
url = "{url}"
key_env = "CLAUDE_KEY"
[models.specs."anthropic/claude-tiny-4"]
input_cents_per_mtok = 100
output_cents_per_mtok = 500
[models.budgets]
anthropic = {{ cents_per_day = {cents} }}
"""


class Desk:
    """Runs commands in a home of its own, beside servers that live in the test's loop."""

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        self.home = home
        self.environment = environment

    def write(self, text: str) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / "studio.toml").write_text(text, encoding="utf-8")

    async def __call__(self, *arguments: str) -> Result:
        run = CliRunner().invoke
        return await asyncio.to_thread(
            run, bookai, ["models", *arguments], env=self.environment, catch_exceptions=True
        )

    async def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((await self("--json")).stdout)
        return found


@pytest.fixture
def desk(dsn: str, admin_dsn: str, tmp_path: Path) -> Desk:
    home = tmp_path / "home"
    environment = {
        "BOOKAI_HOME": str(home),
        "BOOKAI_DSN": dsn,
        "BOOKAI_ADMIN_DSN": admin_dsn,
        "OLLAMA_HOST": "http://127.0.0.1:9",
        "CLAUDE_KEY": KEY,
    }
    return Desk(home, environment)


async def test_what_is_there_and_what_is_missing_is_shown(desk: Desk) -> None:
    async with FakeOpenAI(models=("tiny",)) as peer:
        desk.write(VLLM.format(url=peer.url))
        found = await desk.json()
        table = (await desk()).stdout

    servers = {one["name"]: one for one in found["servers"]}
    assert (servers["vllm"]["up"], servers["vllm"]["models"]) == (True, ["tiny"])
    technical = next(one for one in found["chains"] if one["content"] == "technical")
    assert [(one["ref"], one["state"]) for one in technical["models"]] == [
        ("openai_compatible/tiny", "loaded"),
        ("openai_compatible/large", "missing"),
        ("extractive/extractive-1", "loaded"),
    ]
    assert "vllm has no 'large': it lists tiny" in table


async def test_without_a_server_the_way_to_get_one_is_shown(desk: Desk) -> None:
    desk.write("")

    done = await desk()

    assert done.exit_code == 0
    assert "ollama serve" in done.stdout


async def test_a_question_says_who_answered_and_is_written_down_without_its_text(
    desk: Desk, pool: asyncpg.Pool
) -> None:
    async with FakeOpenAI(models=("tiny",), says=SAID) as peer:
        desk.write(VLLM.format(url=peer.url))
        done = await desk("ask", "--for", "technical", "What is UTC?")

    assert done.stdout == "Coordinated Universal Time. [31m\n"
    assert "answered by openai_compatible/tiny" in done.stderr
    (event,) = await audit.search(pool, kind="model.called")
    body = json.loads(event.body)
    assert (body["model"], body["outcome"]) == ("openai_compatible/tiny", "ok")
    assert (body["input_tokens"], body["microcents"]) == (40, 0)
    assert "UTC" not in event.body


async def test_a_model_that_bills_is_paid_from_its_budget_until_that_is_spent(
    desk: Desk, pool: asyncpg.Pool
) -> None:
    async with FakeAnthropic(key=KEY, says=SAID) as peer:
        desk.write(CLAUDE.format(url=peer.url, cents=0.25))
        first = await desk("ask", "What is UTC?")
        found = await desk.json()
        second = await desk("ask", "What is UTC? " * 150)
        asked = len(peer.asked)

    assert first.exit_code == 0
    (budget,) = found["budgets"]
    assert (budget["spent"], budget["held"]) == (40 * 100 + 9 * 500, 0)
    assert asked == 1
    assert "budget of anthropic is spent" in str(second.exception)
    assert "00:00 UTC" in str(second.exception)
    rows = await pool.fetch("SELECT body FROM audit_log")
    for said in (*(row["body"] for row in rows), first.output, str(second.exception)):
        assert KEY not in said


async def test_a_missing_model_is_fetched_with_its_progress(desk: Desk) -> None:
    config = Config(models=(LLAMA,), library=(MISTRAL,), time_scale=0.01)
    async with FakeOllama(config) as fake:
        desk.write(f'[[models.servers]]\nprovider = "ollama"\nname = "gpu1"\nurl = "{fake.url}"\n')
        before = (await desk()).stdout
        done = await desk("pull", "ollama/mistral:7b")
        after = await desk.json()
        unknown = await desk("pull", "ollama/nobody:1b")

    assert "bookai models pull ollama/mistral:7b" in before
    assert "pulling manifest" in done.stdout
    assert done.stdout.endswith("success\n")
    creative = next(one for one in after["chains"] if one["content"] == "creative")
    assert [one["state"] for one in creative["models"]] == ["ready", "ready", "loaded"]
    assert "cannot get 'nobody:1b'" in str(unknown.exception)


async def test_only_ollama_fetches_models(desk: Desk) -> None:
    desk.write("")

    done = await desk("pull", "anthropic/claude-tiny-4")
    gone = await desk("pull", "ollama/mistral:7b")

    assert "Only Ollama fetches models" in str(done.exception)
    assert "ollama serve" in str(gone.exception)
