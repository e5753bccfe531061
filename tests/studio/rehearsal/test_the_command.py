"""`bookai rehearse` before it begins: what it takes, and what it never touches."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from bookai.errors import OperatorNeeded, Refused
from studio.cli import bookai as root
from studio.rehearsal.home import make_home
from studio.rehearsal.world import make_world


@pytest.mark.parametrize("span", ["next week", "0d", "40d", "7", "-1d"])
def test_a_span_that_is_none_is_told_with_how_to_write_it(span: str) -> None:
    told = CliRunner().invoke(root, ["rehearse", "--", span])

    assert told.exit_code == 2
    assert "write it as 7d or 36h" in told.output


def test_a_studios_home_is_left_alone(tmp_path: Path) -> None:
    studio = tmp_path / "studio.toml"
    studio.write_text("[approvals]\n", encoding="utf-8")

    told = CliRunner().invoke(root, ["rehearse", "1h", "--keep", str(tmp_path)])

    assert isinstance(told.exception, Refused)
    assert [path.name for path in tmp_path.iterdir()] == ["studio.toml"]


def test_the_environment_names_no_database_of_a_rehearsal(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BOOKAI_DSN", "postgresql://real/studio")
    monkeypatch.setenv("BOOKAI_MCP_URL", "https://studio.example.org/mcp")

    settings = make_world(1).settings(tmp_path, "127.0.0.1:1", "127.0.0.1:2", {})

    assert (settings.dsn, settings.mcp_url, settings.home) == (None, None, tmp_path)
    assert {one.platform for one in settings.channels.values()} == {"simulated"}


@pytest.mark.parametrize("door", ["loop", "worker", "serve"])
def test_what_a_rehearsal_left_is_not_worked_in(
    door: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = make_home(tmp_path / "kept")
    monkeypatch.setenv("BOOKAI_HOME", str(home))

    told = CliRunner().invoke(root, [door])

    assert isinstance(told.exception, OperatorNeeded)
    assert "what a rehearsal left" in str(told.exception)
    assert [path.name for path in home.iterdir()] == ["REHEARSAL"]
