"""The command line as its user meets it: exit codes, one-line errors, JSON that is only JSON."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

from bookai.settings import read_settings
from studio.cli import _COMMANDS
from studio.cli import bookai as root
from studio.commands._door import operator

BOOKAI = Path(sys.executable).parent / "bookai"


@pytest.fixture
def env(dsn: str, admin_dsn: str, tmp_path: Path) -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("BOOKAI_")},
        "BOOKAI_HOME": str(tmp_path / "home"),
        "BOOKAI_DSN": dsn,
        "BOOKAI_ADMIN_DSN": admin_dsn,
        "BOOKAI_METRICS_PORT": "0",
        "OLLAMA_HOST": "http://127.0.0.1:9",
    }


def bookai(env: Mapping[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [BOOKAI, *arguments], env=env, capture_output=True, text=True, timeout=50, check=False
    )


@pytest.mark.skipif(sys.platform == "win32", reason="there is no uid")
def test_who_runs_a_command_is_not_what_the_environment_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = operator()
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody-else")

    assert operator() == before
    assert "somebody-else" not in before


@pytest.mark.parametrize("name", sorted(_COMMANDS))
def test_every_command_has_help_with_an_example(name: str) -> None:
    done = CliRunner().invoke(root, [name, "--help"])

    assert done.exit_code == 0
    assert "Example" in done.output


@pytest.mark.parametrize(
    "command", ["jobs", "publications", "agents", "status", "token list", "delegate list"]
)
def test_json_output_is_nothing_but_json(env: dict[str, str], command: str) -> None:
    done = bookai(env, *command.split(), "--json")

    assert done.returncode == 0, done.stderr
    json.loads(done.stdout)


def test_the_log_of_a_new_studio_verifies(env: dict[str, str]) -> None:
    done = bookai(env, "audit", "verify")

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "the audit log verifies"


def test_a_new_studio_has_one_operator_and_says_so(env: dict[str, str]) -> None:
    toml = Path(env["BOOKAI_HOME"]) / "studio.toml"

    done = bookai(env, "make", "missing.md")

    assert f"one operator, who approves his own videos: so says {toml}" in done.stderr
    assert read_settings(env).channel("default").own_jobs


def test_a_public_server_is_refused_with_what_to_do(env: dict[str, str]) -> None:
    home = Path(env["BOOKAI_HOME"])
    home.mkdir()
    (home / "studio.toml").write_text("[mcp]\nhost = '0.0.0.0'\n")

    done = bookai(env, "serve")

    assert done.returncode == 1
    assert "does not listen on '0.0.0.0'" in done.stderr
    assert "https://NAME/mcp" in done.stderr


def test_wrong_usage_ends_with_2(env: dict[str, str]) -> None:
    assert bookai(env, "make").returncode == 2
    assert bookai(env, "nonsense").returncode == 2
    assert bookai(env, "decide").returncode == 2
    assert bookai(env, "decide", "--approve", "1,x").returncode == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("approve", "99"), "99"),
        (("reject", "99", "--reason", "no"), "99"),
        (("approvals", "show", "99"), "no approval 99"),
        (("approvals", "renew", "99"), "no approval 99"),
        (("decide", "--approve", "98,99"), "2 of 2 could not be decided"),
        (("link", "99", "--for", "operator:anna"), "no approval 99"),
        (("link", "1", "--for", "agent:writer"), "only an operator"),
        (("delegate", "create", "--to", "operator:b", "--cap", "1", "--days", "1"), "nothing to"),
        (("delegate", "revoke", "99"), "no delegation 99"),
        (("make", "--resume", "99"), "there is no job 99"),
        (("make", "missing.md"), "missing.md"),
        (("token", "revoke", "nobody"), "nobody"),
        (("cancel", "99", "--reason", "no"), "there is no job 99"),
        (("pause", "--channel", "gone", "--reason", "no"), "there is no channel 'gone'"),
    ],
)
def test_an_error_is_one_line_and_ends_with_1(
    env: dict[str, str], arguments: tuple[str, ...], said: str
) -> None:
    done = bookai(env, *arguments)

    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 1
    assert last.startswith("error: ")
    assert said in last
    assert "Traceback" not in done.stderr


def test_a_database_that_is_down_is_an_error_with_a_mend(env: dict[str, str]) -> None:
    env["BOOKAI_DSN"] = env["BOOKAI_ADMIN_DSN"] = "postgresql://u:hunter2@127.0.0.1:9/x"

    done = bookai(env, "status")

    assert done.returncode == 1
    assert done.stderr.startswith("error: Postgres at 127.0.0.1:9/x")
    assert "hunter2" not in done.stderr + done.stdout


def test_a_token_is_shown_once_and_never_again(env: dict[str, str]) -> None:
    arguments = ("token", "create", "phone", "--scope", "studio:read", "--scope", "operate")
    token = bookai(env, *arguments).stdout.strip()

    listed = bookai(env, "token", "list").stdout
    logged = bookai(env, "audit", "tail", "--limit", "100").stdout

    assert token.startswith("bka_")
    for told in ("phone", "operate, read", "http://127.0.0.1:8931/mcp"):
        assert told in listed
    assert token not in listed + logged


def test_a_certificate_that_is_not_there_is_named_with_its_mend(env: dict[str, str]) -> None:
    home = Path(env["BOOKAI_HOME"])
    home.mkdir()
    table = (
        '[plugins.c2pa]\ncertificate_file = "/nowhere/chain.pem"\nkey_file = "/nowhere/key.pem"\n'
    )
    (home / "studio.toml").write_text(table)

    done = bookai(env, "doctor")

    assert done.returncode == 1
    assert "/nowhere/chain.pem of [plugins.c2pa] cannot be read" in done.stdout
    assert "error: to mend: credentials" in done.stderr


def test_a_missing_ffmpeg_is_named_with_its_mend(env: dict[str, str]) -> None:
    env["BOOKAI_FFMPEG"] = "/nowhere/ffmpeg"

    done = bookai(env, "doctor")

    assert done.returncode == 1
    assert "/nowhere/ffmpeg" in done.stdout
    assert "error: to mend: ffmpeg" in done.stderr
