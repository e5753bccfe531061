"""Settings: where things are comes from the environment, what is wanted from one TOML."""

from pathlib import Path

import pytest

from bookai.errors import OperatorNeeded
from bookai.settings import read_settings


def write(home: Path, text: str) -> dict[str, str]:
    (home / "studio.toml").write_text(text, encoding="utf-8")
    return {"BOOKAI_HOME": str(home)}


def test_without_a_file_everything_has_a_default(tmp_path: Path) -> None:
    settings = read_settings({"BOOKAI_HOME": str(tmp_path)})

    assert settings.home == tmp_path
    assert settings.metrics_port == 9464
    assert settings.channel("default").platform == "gallery"


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    env = write(tmp_path, "http_port = 1111\n[ollama]\nmodel = 'mistral:7b'\n")

    settings = read_settings({**env, "BOOKAI_HTTP_PORT": "2222", "OLLAMA_HOST": "127.0.0.1:11500"})

    assert settings.http_port == 2222
    assert settings.ollama.host == "http://127.0.0.1:11500"
    assert settings.ollama.model == "mistral:7b"


def test_a_broken_file_is_named_with_the_line(tmp_path: Path) -> None:
    with pytest.raises(OperatorNeeded, match=r"studio\.toml cannot be read.*line 2"):
        read_settings(write(tmp_path, "http_port = 1\nnonsense\n"))


def test_an_unknown_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(OperatorNeeded, match="htp_port"):
        read_settings(write(tmp_path, "htp_port = 1\n"))


def test_a_value_out_of_bounds_is_named_without_repeating_it(tmp_path: Path) -> None:
    with pytest.raises(OperatorNeeded, match=r"channels\.news\.seconds"):
        read_settings(write(tmp_path, "[channels.news]\nseconds = 400\n"))


def test_an_unknown_channel_lists_those_that_exist(tmp_path: Path) -> None:
    settings = read_settings({"BOOKAI_HOME": str(tmp_path)})

    with pytest.raises(OperatorNeeded, match="Known: default"):
        settings.channel("news")
