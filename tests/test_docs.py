"""The docs: examples are parsed by what would read them, references are held against the code."""

import re
import tomllib
from pathlib import Path

import pytest

from bookai.settings import _ENVIRONMENT, read_settings
from studio.cli import _COMMANDS
from studio.commands.reference import reference

ROOT = Path(__file__).resolve().parents[1]
DOCS = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md"]


def test_the_settings_example_is_understood(tmp_path: Path) -> None:
    page = (ROOT / "docs/reference/settings.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    tomllib.loads(example)
    (tmp_path / "studio.toml").write_text(example, encoding="utf-8")

    settings = read_settings({"BOOKAI_HOME": str(tmp_path)})

    assert settings.sources[0].every_s == 3600


def test_every_environment_variable_is_in_the_reference() -> None:
    page = (ROOT / "docs/reference/settings.md").read_text(encoding="utf-8")

    assert [name for name in _ENVIRONMENT if f"`{name}`" not in page] == []


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_every_command_a_page_names_exists(page: Path) -> None:
    named = set(re.findall(r"`bookai ([a-z]+)", page.read_text(encoding="utf-8")))

    assert named - set(_COMMANDS) == set()


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text(encoding="utf-8"))

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_command_reference_is_what_the_commands_say() -> None:
    page = (ROOT / "docs/reference/cli.md").read_text(encoding="utf-8")

    # To renew it: python -m studio.commands.reference > docs/reference/cli.md
    assert page == reference()
