"""sd_notify, heard by a socket as systemd opens one."""

import socket
from pathlib import Path

import pytest

from studio.notify import notify


def test_the_state_reaches_the_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "n"))
        listener.settimeout(2)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "n"))

        assert notify("READY=1")
        assert listener.recv(64) == b"READY=1"


def test_without_systemd_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)

    assert not notify("READY=1")


def test_a_socket_that_is_gone_does_not_stop_the_studio(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))

    assert not notify("STOPPING=1")
