"""A secret is read in one place, by reference, and never repeated."""

import os
from pathlib import Path

import pytest

from bookai.channels.credentials import read_credential
from bookai.errors import OperatorNeeded

WHAT = "channels.news.credentials"


def test_each_kind_of_reference_leads_to_its_secret(tmp_path: Path) -> None:
    for name in ("file", "lent"):
        (tmp_path / name).write_text(f" {name}-secret\n")
        (tmp_path / name).chmod(0o600)
    environment = {"THE_TOKEN": " env-secret ", "CREDENTIALS_DIRECTORY": str(tmp_path)}

    found = [
        read_credential(WHAT, reference, environment)
        for reference in (f"file:{tmp_path / 'file'}", "credential:lent", "env:THE_TOKEN")
    ]

    assert found == ["file-secret", "lent-secret", "env-secret"]


@pytest.mark.parametrize(
    ("reference", "mend"),
    [
        ("env:NOT_SET", "Set it"),
        ("credential:missing", "LoadCredential=missing:"),
        ("credential:..", "Name a credential"),
        ("file:/nonexistent/secret", "Correct it"),
    ],
)
def test_a_reference_that_leads_nowhere_has_its_mend(
    tmp_path: Path, reference: str, mend: str
) -> None:
    with pytest.raises(OperatorNeeded, match=mend):
        read_credential(WHAT, reference, {"CREDENTIALS_DIRECTORY": str(tmp_path)})


def test_a_service_that_systemd_did_not_start_says_what_to_write_instead() -> None:
    with pytest.raises(OperatorNeeded, match="write file:PATH instead"):
        read_credential(WHAT, "credential:token", {})


def test_a_secret_that_was_written_in_place_of_its_reference_is_not_repeated() -> None:
    with pytest.raises(OperatorNeeded) as told:
        read_credential(WHAT, "hunter2-is-the-token", {})

    assert "hunter2" not in str(told.value)


def test_a_group_may_read_only_what_systemd_lends(tmp_path: Path) -> None:
    path = tmp_path / "lent"
    path.write_text("secret")
    lent = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    path.chmod(0o440)

    assert read_credential(WHAT, "credential:lent", lent) == "secret"
    with pytest.raises(OperatorNeeded, match="chmod 600"):
        read_credential(WHAT, f"file:{path}", {})
    path.chmod(0o460)
    with pytest.raises(OperatorNeeded, match="may read or change"):
        read_credential(WHAT, "credential:lent", lent)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o620, 0o602])
def test_what_others_may_read_or_change_is_no_secret(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("hunter2")
    path.chmod(mode)
    with pytest.raises(OperatorNeeded, match="chmod 600") as told:
        read_credential(WHAT, f"file:{path}", {})
    assert "hunter2" not in str(told.value)
    if os.geteuid() == 0:
        path.chmod(0o600)
        os.chown(path, 12345, 12345)
        with pytest.raises(OperatorNeeded, match="chown"):
            read_credential(WHAT, f"file:{path}", {})


def test_a_named_pipe_holds_nobody_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)

    with pytest.raises(OperatorNeeded, match="is empty or no secret"):
        read_credential(WHAT, f"file:{tmp_path / 'pipe'}", {})
