"""The keys of sealed state: one file for all processes, changed without a gap."""

import concurrent.futures
from pathlib import Path

import pytest

from bookai.errors import OperatorNeeded
from mcp_server.rights.state_keys import open_keys, read_keys

OLD, NEW = "ab" * 32, "cd" * 32


def test_processes_that_begin_together_share_one_key(tmp_path: Path) -> None:
    path = tmp_path / "home" / "mcp-state.keys"

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: open_keys(path), range(8)))

    assert len(found) == 1
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_the_first_key_seals_and_the_others_still_open(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(f"{NEW}\n{OLD}\n")
    path.chmod(0o600)

    assert open_keys(path) == (bytes.fromhex(NEW), bytes.fromhex(OLD))
    assert read_keys(f"{NEW},{OLD}") == open_keys(path)


@pytest.mark.parametrize("text", ["", "\n", "abc", f"{NEW} {'zz' * 32}", "ab" * 31, f"{NEW}\n" * 9])
def test_what_is_no_key_is_told_without_repeating_it(text: str) -> None:
    with pytest.raises(OperatorNeeded) as caught:
        read_keys(text)

    assert caught.value.mend == "Make one: openssl rand -hex 32"
    assert not any(word in str(caught.value) for word in text.split())


def test_keys_that_others_can_read_are_none(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(NEW)
    path.chmod(0o644)

    with pytest.raises(OperatorNeeded) as caught:
        open_keys(path)

    assert caught.value.mend == f"chmod 600 {path}"
