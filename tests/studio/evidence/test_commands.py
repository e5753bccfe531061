"""`bookai evidence` and the doctor's line, with a real git remote."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bookai.db.seal.merkle import split_notes

BOOKAI = Path(sys.executable).parent / "bookai"


@pytest.fixture
def env(dsn: str, admin_dsn: str, tmp_path: Path) -> dict[str, str]:
    home = tmp_path / "home"
    home.mkdir()
    remote = tmp_path / "remote.git"
    subprocess.run(["git", "init", "--bare", "--quiet", str(remote)], check=True, timeout=20)
    (home / "studio.toml").write_text(
        f'[[audit.exports]]\nkind = "git"\nname = "offsite"\nurl = "file://{remote}"\n'
    )
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("BOOKAI_")},
        "BOOKAI_HOME": str(home),
        "BOOKAI_DSN": dsn,
        "BOOKAI_ADMIN_DSN": admin_dsn,
        "BOOKAI_METRICS_PORT": "0",
        "OLLAMA_HOST": "http://127.0.0.1:9",
    }


def bookai(env: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [BOOKAI, *arguments], env=env, capture_output=True, text=True, timeout=50, check=False
    )


@pytest.mark.timeout(180)
def test_a_copy_is_pushed_listed_and_fetched(env: dict[str, str], tmp_path: Path) -> None:
    out = tmp_path / "offsite.notes"

    before = bookai(env, "evidence", "list")
    pushed = bookai(env, "evidence", "push")
    listed = json.loads(bookai(env, "evidence", "list", "--json").stdout)
    fetched = bookai(env, "evidence", "fetch", "offsite", "--out", str(out))

    assert "was never tried" in before.stdout
    assert pushed.returncode == 0, pushed.stderr
    assert pushed.stdout.startswith("offsite: covers ")
    assert listed[0]["state"]["tree_size"] == listed[0]["sealed"] > 0
    assert fetched.stdout == f"1 notes in {out}\n"
    own = Path(env["BOOKAI_HOME"]) / "audit" / "checkpoints.notes"
    assert next(iter(split_notes(out.read_text()))) in list(split_notes(own.read_text()))


@pytest.mark.timeout(180)
def test_a_copy_that_fails_is_told_by_its_command_and_by_the_doctor(env: dict[str, str]) -> None:
    toml = Path(env["BOOKAI_HOME"]) / "studio.toml"
    toml.write_text(toml.read_text().replace("remote.git", "nowhere.git"))

    pushed = bookai(env, "evidence", "push")
    doctor = bookai(env, "doctor")

    assert pushed.returncode == 1
    assert "not brought to offsite" in pushed.stderr
    (line,) = [one for one in doctor.stdout.splitlines() if one.split()[1:2] == ["copies"]]
    assert line.startswith("fail")
    assert "nowhere.git" in line


@pytest.mark.parametrize("command", [("push", "--name", "x"), ("fetch", "x", "--out", "y")])
def test_an_unknown_copy_is_one_line_with_the_known_ones(
    env: dict[str, str], command: tuple[str, ...]
) -> None:
    done = bookai(env, "evidence", *command)

    assert done.returncode == 1
    assert done.stderr == "error: there is no copy 'x'. Known: offsite.\n"
