"""What an operator says about models becomes servers and chains, or a clear no at the start."""

from pathlib import Path
from typing import get_args

import pytest

from bookai.errors import OperatorNeeded
from bookai.llm.base import ContentType, Price, Server
from bookai.llm.pool import EXTRACTIVE
from bookai.model_settings import CONTENT_KINDS
from bookai.settings import read_settings
from studio.models.lineup import LineUp, line_up, writers

PROVIDERS = ("anthropic", "extractive", "ollama", "openai_compatible")
CLAUDE = """
[models]
creative = ["anthropic/claude-tiny-4", "ollama/mistral:7b"]
[[models.servers]]
provider = "anthropic"
name = "claude"
key_env = "CLAUDE_KEY"
"""
PRICE = """
[models.specs."anthropic/claude-tiny-4"]
input_cents_per_mtok = 300
output_cents_per_mtok = 1500.5
"""
BUDGET = "[models.budgets]\nanthropic = { cents_per_day = 200.5 }\n"


@pytest.fixture
def lined(tmp_path: Path) -> "Lined":
    return Lined(tmp_path)


class Lined:
    """Reads a `studio.toml` of this text and lines its models up."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def __call__(self, text: str = "", **environment: str) -> LineUp:
        (self.home / "studio.toml").write_text(text, encoding="utf-8")
        settings = read_settings({"BOOKAI_HOME": str(self.home), **environment})
        return line_up(settings, PROVIDERS)


def test_the_kinds_of_text_are_those_that_models_are_asked_for() -> None:
    assert get_args(ContentType) == CONTENT_KINDS


def test_without_settings_one_ollama_is_asked_and_the_builtin_writer_comes_last(
    lined: Lined,
) -> None:
    found = lined()

    assert [(one.name, one.url) for one in found.servers] == [
        ("ollama", "http://127.0.0.1:11434"),
        ("builtin", ""),
    ]
    assert found.chains["technical"] == (
        "ollama/codellama:7b",
        "ollama/llama3.1:8b",
        EXTRACTIVE.ref,
    )
    assert all(chain[-1] == EXTRACTIVE.ref for chain in found.chains.values())
    assert set(found.models) == {ref for chain in found.chains.values() for ref in chain}


def test_ollamas_own_table_and_environment_go_on_working(lined: Lined) -> None:
    found = lined("[ollama]\nmodel = 'qwen3:4b'\n", OLLAMA_HOST="10.0.0.9:11434")

    assert found.servers[0].url == "http://10.0.0.9:11434"
    assert found.chains["creative"][:2] == ("ollama/qwen3:4b", "ollama/llama3.1:8b")
    assert "ollama/qwen3:4b" not in found.chains["technical"]


def test_servers_that_are_listed_stand_instead_of_the_one_of_the_environment(
    lined: Lined,
) -> None:
    found = lined(
        '[[models.servers]]\nprovider = "ollama"\nname = "gpu1"\nurl = "http://10.0.0.5:11434"\n'
        "slots = 4\nmax_loaded = 2\n",
        OLLAMA_HOST="10.0.0.9",
    )

    assert found.servers[0] == Server(
        "gpu1", "ollama", "http://10.0.0.5:11434", slots=4, max_loaded=2
    )
    assert len(found.servers) == 2


def test_a_model_that_bills_has_its_price_and_its_provider_a_cap(lined: Lined) -> None:
    found = lined(CLAUDE + PRICE + BUDGET)

    assert found.models["anthropic/claude-tiny-4"].price == Price(300, 1501)
    assert found.caps == {"anthropic": 200_500_000}
    claude = next(one for one in found.servers if one.name == "claude")
    assert (claude.url, claude.bills) == ("https://api.anthropic.com", True)
    assert "ollama" in {one.name for one in found.servers}


def test_a_server_in_the_house_bills_nothing(lined: Lined) -> None:
    server = '[[models.servers]]\nprovider = "openai_compatible"\nname = "vllm"\n'
    chain = '[models]\ncreative = ["openai_compatible/qwen"]\n'

    free = lined(f'{chain}{server}url = "http://10.0.0.5:8000/v1"\n')
    price = PRICE.replace("anthropic/claude-tiny-4", "openai_compatible/qwen")
    with_key = lined(
        f'{chain}{server}url = "http://10.0.0.5/v1"\nkey_env = "K"\nfree = true\n{price}'
    )

    assert with_key.models["openai_compatible/qwen"].price is None
    assert [one.bills for one in (*free.servers, *with_key.servers)] == [False] * 6


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (CLAUDE + BUDGET, "'anthropic/claude-tiny-4' has no price.*free = true"),
        (CLAUDE + PRICE, "'anthropic' bills its calls and has no budget.*cents_per_day"),
        ('[models]\njudge = ["openai/gpt"]\n', "'openai', which is no provider.*anthropic, ext"),
        ('[models]\njudge = ["anthropic/x"]\n', "no server of 'anthropic'.*models.servers"),
        ('[models]\njudge = ["mistral"]\n', r"models\.judge\.0"),
        ("[models.budgets]\ngoogle = { cents_per_day = 1 }\n", "'google', which is no provider"),
        ('[models.specs."ollama/x"]\nnum_ctx = 1024\n', "of a model in no list"),
        ('[[models.servers]]\nprovider = "nobody"\nname = "n"\n', "'nobody', which is no provider"),
        ('[[models.servers]]\nprovider = "openai_compatible"\nname = "v"\n', "'v'.*has no url"),
        ('[[models.servers]]\nprovider = "ollama"\nname = "o"\nurl = "http://a:x"\n', "usable url"),
        (
            '[[models.servers]]\nprovider = "openai_compatible"\nname = "v"\nkey_env = "K"\n'
            'url = "http://models.example.org/v1"\n',
            "over plain http",
        ),
        (
            '[[models.servers]]\nprovider = "ollama"\nname = "o"\n' * 2,
            "two servers are called 'o'",
        ),
        (
            '[models.specs."ollama/llama3.1:8b"]\ninput_cents_per_mtok = 3\n',
            "a price is both",
        ),
        ('[[models.servers]]\nprovider = "ollama"\nname = "o"\nkey = "sk-1"\n', r"servers\.0\.key"),
    ],
)
def test_what_does_not_fit_is_named_with_its_mend(lined: Lined, text: str, said: str) -> None:
    with pytest.raises(OperatorNeeded, match=f"(?s){said}"):
        lined(text)


def test_the_status_line_names_the_writers_in_order(tmp_path: Path) -> None:
    found = writers(read_settings({"BOOKAI_HOME": str(tmp_path)}))

    assert found == "ollama/llama3.1:8b, else ollama/mistral:7b, else the built-in writer"


def test_a_key_in_the_file_is_not_repeated(lined: Lined) -> None:
    with pytest.raises(OperatorNeeded) as wrong:
        lined('[[models.servers]]\nprovider = "ollama"\nname = "o"\nkey_env = "sk-secret-1"\n')

    assert "key_env" in str(wrong.value)
    assert "sk-secret" not in str(wrong.value)


def test_a_user_and_password_in_a_url_are_not_taken(lined: Lined) -> None:
    with pytest.raises(OperatorNeeded) as wrong:
        lined('[[models.servers]]\nprovider = "ollama"\nname = "o"\nurl = "http://u:secret@h:1"\n')

    assert "secret" not in str(wrong.value)
