"""A running studio sees its channels change, and does not fall with a broken file."""

from pathlib import Path

import pytest

from bookai.errors import OperatorNeeded
from bookai.settings import Settings, read_settings
from studio.channels.now import ChannelsNow


def write(home: Path, text: str) -> dict[str, str]:
    (home / "studio.toml").write_text(text, encoding="utf-8")
    return {"BOOKAI_HOME": str(home)}


def test_channels_are_read_again_when_the_file_has_changed(tmp_path: Path) -> None:
    env = write(tmp_path, "[channels.news]\napprovers = ['operator:ann', 'operator:bob']\n")
    channels = ChannelsNow(read_settings(env))
    before = channels.channel("news").approvers

    write(tmp_path, "[channels.news]\napprovers = ['operator:ann']\n")

    assert before == ("operator:ann", "operator:bob")
    assert channels.channel("news").approvers == ("operator:ann",)


def test_channels_of_a_file_that_is_broken_or_gone_are_not_guessed(tmp_path: Path) -> None:
    channels = ChannelsNow(read_settings(write(tmp_path, "[channels.news]\n")))
    assert channels.channel("news").approvers == ()

    write(tmp_path, "[channels.news\n")
    for _ in range(2):
        with pytest.raises(OperatorNeeded, match="cannot be read"):
            channels.channel("news")
    (tmp_path / "studio.toml").unlink()
    with pytest.raises(OperatorNeeded, match="is gone"):
        channels.channel("news")
    write(tmp_path, "[channels.news]\nown_jobs = false\n")

    assert not channels.channel("news").own_jobs


def test_without_a_file_the_channels_are_those_of_the_settings(tmp_path: Path) -> None:
    values = {"home": tmp_path, "channels": {"news": {"own_jobs": False}}}
    channels = ChannelsNow(Settings.model_validate(values))

    assert not channels.channel("news").own_jobs
    write(tmp_path, "[channels.news]\n")
    assert channels.channel("news").own_jobs is False


def test_work_under_way_keeps_the_last_channels_that_were_understood(tmp_path: Path) -> None:
    channels = ChannelsNow(read_settings(write(tmp_path, "[channels.news]\nseconds = 30\n")))
    assert set(channels) == {"news"}

    write(tmp_path, "[channels.news]\nseconds = 31\n[channels.more]\n")
    assert channels.kept().channel("news").seconds == 31
    assert "more" in channels
    write(tmp_path, "[channels.news]\nseconds = 400\n")

    assert channels.kept().channel("news").seconds == 31
    assert (len(channels), "more" in channels) == (2, True)
    with pytest.raises(OperatorNeeded, match=r"studio\.toml:2: channels\.news\.seconds: 400"):
        channels.channel("news")


def test_where_things_are_stays_as_it_was_at_the_start(tmp_path: Path) -> None:
    begun = read_settings({**write(tmp_path, ""), "BOOKAI_DSN": "postgresql://u:p@db/x"})
    channels = ChannelsNow(begun)

    write(tmp_path, "http_port = 9999\n[[sources]]\nurl = 'https://example.org/feed.xml'\n")

    assert channels.kept().dsn == begun.dsn
    assert channels.kept().http_port == begun.http_port
    assert [one.url for one in channels.kept().sources] == ["https://example.org/feed.xml"]
