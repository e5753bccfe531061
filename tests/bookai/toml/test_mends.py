"""Everything that is wrong with studio.toml is told at once: the line, the key, the mend."""

from pathlib import Path

import pytest

from bookai.errors import OperatorNeeded
from bookai.settings import check_settings


def wrong(text: str, env: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(OperatorNeeded) as told:
        check_settings(text, Path("/home/studio.toml"), env or {})
    return [line.strip().removeprefix("/home/") for line in str(told.value).split("\n")]


def test_all_is_told_at_once_in_the_order_of_the_file() -> None:
    text = (
        'htp_port = 1\n[channels.news]\ncadence.times = ["09:30", "25:00"]\nlanguage = "eng"\n'
        'time_zone = "Mars"\nvisibility = "hidden"\nseconds = 400\n[[sources]]\nevery_s = 60\n'
    )

    assert wrong(text) == [
        "7 things are wrong:",
        "studio.toml:1: htp_port: there is no such key; did you mean 'http_port'?",
        "studio.toml:3: channels.news.cadence.times.1: '25:00' is no time of day; "
        "write it as 09:30",
        "studio.toml:4: channels.news.language: 'eng' is no language; write two letters, such as "
        "en",
        "studio.toml:5: channels.news.time_zone: there is no time zone 'Mars'; "
        "write it as Europe/Berlin",
        "studio.toml:6: channels.news.visibility: 'hidden' is none of 'private', 'unlisted' or "
        "'public'",
        "studio.toml:7: channels.news.seconds: 400 is not right; it should be less than or equal "
        "to 45",
        "studio.toml:8: sources.0.url: it is missing",
    ]


def test_a_text_that_is_no_toml_is_told_with_its_line() -> None:
    [told] = wrong("a = 1\nb = [1,\n\n")

    assert told.startswith("studio.toml:2: it cannot be read: ")


def test_a_rule_over_several_keys_is_told_at_their_table() -> None:
    [told] = wrong("\n[channels.news]\nstanding = 'private_only'\nvisibility = 'public'\n")

    assert told.startswith("studio.toml:2: channels.news: visibility = 'public', but the account")


def test_what_is_no_table_is_told_how_to_be_one() -> None:
    assert wrong("\nollama = 5\n", {"OLLAMA_HOST": "x"}) == [
        "studio.toml:2: ollama: it must be a table; write it as [ollama]"
    ]


def test_a_value_of_the_environment_is_told_with_its_variable() -> None:
    [told] = wrong("", {"BOOKAI_HTTP_PORT": "many"})

    assert told.startswith("BOOKAI_HTTP_PORT: ")


@pytest.mark.parametrize(
    "text",
    [
        "[channels.news]\ncredentials = 'hunter2'\n",
        "[channels.news]\npassword = 'hunter2'\n",
        "[[sources]]\nurl = 'https://x:hunter2@example.org'\nevery_s = 0\n",
        "[[models.servers]]\nname = 'hunter2!'\n",
        "mcp_token = ['hunter2']\n",
        "[mcp]\nurl = 'hunter2'\n",
    ],
)
def test_what_may_be_a_secret_is_not_repeated(text: str) -> None:
    assert "hunter2" not in " ".join(wrong(text))
