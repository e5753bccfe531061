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
    with pytest.raises(OperatorNeeded, match=r"studio\.toml:2: it cannot be read"):
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


def test_nobody_approves_his_own_unless_the_studio_or_the_channel_says_so(tmp_path: Path) -> None:
    asked = {}
    for name, text in {
        "nothing": "[channels.news]\n",
        "studio": "[approvals]\nsingle_operator = true\n[channels.news]\n",
        "channel": "[channels.news]\nown_jobs = true\n",
        "both": "[approvals]\nsingle_operator = true\n[channels.news]\nown_jobs = false\n",
    }.items():
        asked[name] = read_settings(write(tmp_path, text)).channel("news").own_jobs

    assert asked == {"nothing": False, "studio": True, "channel": True, "both": False}


def test_the_server_is_known_by_its_url_or_its_port(tmp_path: Path) -> None:
    plain = read_settings(write(tmp_path, "http_port = 9000\n"))
    named = read_settings(
        write(tmp_path, "[mcp]\nurl = 'https://a.example/mcp'\nallowed_hosts = ['a.example']\n")
    )

    assert plain.mcp_resource == "http://127.0.0.1:9000/mcp"
    assert named.mcp_resource == "https://a.example/mcp"


def test_a_host_has_no_name_under_which_its_agents_could_be_anothers(tmp_path: Path) -> None:
    host = "[[agent_hosts]]\nname = 'a_at_b'\nurl = 'http://10.0.0.7:8941/mcp'\n"
    with pytest.raises(OperatorNeeded, match=r"agent_hosts\.0\.name"):
        read_settings(write(tmp_path, host))


@pytest.mark.parametrize(
    "lax", ["approvals_needed = 1", "approvers = ['operator:bob']", "standing = 'audited'"]
)
def test_two_channels_of_one_account_have_the_same_rules(tmp_path: Path, lax: str) -> None:
    strict = "[channels.a]\nstanding = 'private_only'\napproverS\napprovals_needed = 1\n"
    strict = strict.replace("approverS", "approvers = ['operator:ann']")
    same = "standing = 'private_only'\napprovers = ['operator:ann']\n"
    key = lax.split(" ")[0]
    if key == "approvals_needed":
        strict = "[channels.a]\napprovals_needed = 2\n"
        same = ""
    kept = "".join(f"{one}\n" for one in same.splitlines() if not one.startswith(key))
    text = f"{strict}[channels.b]\n{lax}\n{kept}"
    line = len(strict.splitlines()) + 2

    with pytest.raises(OperatorNeeded, match=rf"studio\.toml:{line}: channels\.b\.{key}: .*'a'"):
        read_settings(write(tmp_path, text))
    other = read_settings(write(tmp_path, f"{text}account = 'another'\n"))
    assert other.channel("b").account == "another"
