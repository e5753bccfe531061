"""The loader: a plug-in is one file, and a bad one is named at start."""

import sys
from collections.abc import Iterator
from importlib import import_module, invalidate_caches
from pathlib import Path
from types import ModuleType

import pytest

from agents.base import Agent
from bookai.errors import PluginError
from bookai.plugins import load_plugins

AGENT_FILE = """
from agents.base import Agent


class Demo(Agent):
    name = {name!r}
    capabilities = frozenset({{"write"}})

    async def run(self, capability, job, ctx):
        return job


AGENT = Demo()
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    (tmp_path / "plugged").mkdir()
    (tmp_path / "plugged" / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    invalidate_caches()
    yield import_module("plugged")
    for name in [name for name in sys.modules if name.split(".")[0] == "plugged"]:
        del sys.modules[name]


def add(folder: ModuleType, name: str, text: str) -> None:
    (Path(folder.__path__[0]) / name).write_text(text)
    invalidate_caches()


def test_a_new_agent_is_one_file(folder: ModuleType) -> None:
    add(folder, "demo.py", AGENT_FILE.format(name="demo"))

    assert list(load_plugins(folder, "AGENT", Agent)) == ["demo"]


def test_base_and_private_files_are_no_plugins(folder: ModuleType) -> None:
    add(folder, "base.py", "")
    add(folder, "_shared.py", "")

    assert load_plugins(folder, "AGENT", Agent) == {}


def test_a_file_that_exports_nothing_is_named(folder: ModuleType) -> None:
    add(folder, "empty.py", "")

    with pytest.raises(PluginError, match=r"plugged\.empty must export AGENT = a Agent"):
        load_plugins(folder, "AGENT", Agent)


def test_a_plugin_carries_the_name_of_its_file(folder: ModuleType) -> None:
    add(folder, "demo.py", AGENT_FILE.format(name="other"))

    with pytest.raises(PluginError, match="call it 'demo'"):
        load_plugins(folder, "AGENT", Agent)
