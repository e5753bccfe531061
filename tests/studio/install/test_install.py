"""Installing: judged by the real systemd-analyze; systemctl alone is a stand-in that notes."""

import os
import shutil
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from bookai.errors import OperatorNeeded
from studio.cli import bookai
from studio.install import steps
from studio.install.credentials import take_credentials
from studio.install.database import check_enough, check_same_database, written_in
from studio.install.machine import Machine
from studio.install.place import Place, Scope, check_closed, credentials_in, quoted
from studio.install.units import MARK, units

# What an enabled unit is to systemd: a link in the folder of who wants it.
SYSTEMCTL = """#!/bin/sh
echo "$*" >> "$NOTES"
[ "$1" = "--user" ] && shift
verb=$1; shift
[ "$1" = "--now" ] && shift
for unit in "$@"; do
    case "$verb:$unit" in
        enable:bookai.target|disable:bookai.target) ;;
        enable:*) mkdir -p "$WANTS"; ln -sf x "$WANTS/$unit" ;;
        disable:*) rm -f "$WANTS/$unit" ;;
        restart:bookai-mcp*) [ -e "$BROKEN" ] && echo "Job failed" >&2 && exit 1 ;;
    esac
done
exit 0
"""

Notes = Callable[[], list[str]]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    program = tmp_path / "a place" / "bookai"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return Place("user", program, tmp_path / "units", tmp_path / "home", tmp_path / "secrets.env")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    (tmp_path / "linger").mkdir()
    return Machine("user", tmp_path, tmp_path / "linger", "ada")


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Notes:
    """What systemctl was told since the last look."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "systemctl").write_text(SYSTEMCTL)
    (tmp_path / "bin" / "systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("NOTES", str(tmp_path / "notes"))
    monkeypatch.setenv("WANTS", str(tmp_path / "units" / "bookai.target.wants"))
    monkeypatch.setenv("BROKEN", str(tmp_path / "broken"))

    def read() -> list[str]:
        path = tmp_path / "notes"
        found = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return [line.removeprefix("--user ") for line in found]

    return read


def quiet(_: str) -> None:
    return None


def test_installing_writes_enables_and_starts_each_unit(
    place: Place, machine: Machine, notes: Notes
) -> None:
    steps.install(replace(place, workers=2), machine, quiet)

    units_there = sorted(path.name for path in place.folder.glob("bookai*") if path.is_file())
    assert units_there == [
        "bookai-loop.service", "bookai-mcp.service", "bookai-worker@.service", "bookai.target",
    ]  # fmt: skip
    names = "bookai-mcp.service bookai-loop.service bookai-worker@1.service bookai-worker@2.service"
    assert notes() == [
        "daemon-reload",
        f"enable {names} bookai.target",
        f"restart {names}",
        f"start {names} bookai.target",
    ]


def test_installing_again_changes_nothing(place: Place, machine: Machine, notes: Notes) -> None:
    steps.install(place, machine, quiet)
    notes()

    steps.install(place, machine, quiet)

    assert [line.split()[0] for line in notes()] == ["enable", "start"]


def test_fewer_workers_and_no_postgres_are_stopped_and_removed(
    place: Place, machine: Machine, notes: Notes
) -> None:
    steps.install(replace(place, workers=2, with_postgres=True), machine, quiet)
    assert (place.folder / "bookai-postgres.service").exists()
    notes()

    steps.install(place, machine, quiet)

    assert notes()[0] == "disable --now bookai-postgres.service bookai-worker@2.service"
    assert not (place.folder / "bookai-postgres.service").exists()


def test_a_unit_of_somebody_else_is_left_alone(
    place: Place, machine: Machine, notes: Notes
) -> None:
    place.folder.mkdir()
    (place.folder / "bookai-loop.service").write_text("[Service]\nExecStart=/bin/true\n")

    with pytest.raises(OperatorNeeded, match="did not write it"):
        steps.install(place, machine, quiet)

    assert notes() == []
    assert not (place.folder / "bookai.target").exists()


def test_an_operators_own_unit_of_the_target_is_left_running(
    place: Place, machine: Machine, notes: Notes
) -> None:
    steps.install(place, machine, quiet)
    (place.folder / "bookai-tunnel.service").write_text("[Service]\nExecStart=/bin/true\n")
    wants = place.folder / "bookai.target.wants"
    (wants / "bookai-tunnel.service").symlink_to("../bookai-tunnel.service")
    notes()

    steps.install(replace(place, workers=0), machine, quiet)
    steps.uninstall(place.folder, machine, quiet)

    said = notes()
    assert said[0] == "disable --now bookai-worker@1.service"
    assert "tunnel" not in "".join(said)
    assert [path.name for path in wants.iterdir()] == ["bookai-tunnel.service"]


def test_uninstalling_removes_what_was_written_and_nothing_else(
    place: Place, machine: Machine, notes: Notes
) -> None:
    steps.install(replace(place, workers=2, with_postgres=True), machine, quiet)
    own = place.folder / "bookai-loop.service.d" / "override.conf"
    own.parent.mkdir()
    own.write_text("[Service]\nNice=5\n")
    place.home.mkdir()
    (place.home / "studio.toml").write_text("")
    notes()

    assert steps.uninstall(place.folder, machine, quiet)

    assert sorted(path.name for path in place.folder.iterdir()) == ["bookai-loop.service.d"]
    assert (place.home / "studio.toml").exists()
    said = notes()
    assert said[0] == "disable --now bookai.target"
    assert said[-2:] == ["disable --now bookai-postgres.service", "daemon-reload"]
    assert not steps.uninstall(place.folder, machine, quiet)


def test_a_unit_that_does_not_start_is_named_with_its_log(
    place: Place, machine: Machine, notes: Notes, tmp_path: Path
) -> None:
    (tmp_path / "broken").touch()

    with pytest.raises(OperatorNeeded, match="Job failed") as caught:
        steps.install(place, machine, quiet)

    assert "journalctl --user -t bookai" in caught.value.mend


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
@pytest.mark.parametrize("scope", ["user", "system"])
def test_units_that_systemd_does_not_understand_are_not_written(
    scope: Scope, place: Place, machine: Machine, tmp_path: Path
) -> None:
    machine = replace(machine, scope=scope)
    steps.verify(replace(place, scope=scope), machine)
    (tmp_path / "bookai-loop.service").write_text("[Service]\nExecStart=/bin/true\nFoo=1\n")

    assert "Unknown key" in machine.complaints([tmp_path / "bookai-loop.service"])[0]


def test_a_machine_without_systemd_is_refused_before_anything(machine: Machine) -> None:
    with pytest.raises(OperatorNeeded, match="not run by systemd"):
        replace(machine, booted=Path("/does/not/exist")).check()


def test_without_lingering_units_would_end_at_logout(
    machine: Machine, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(OperatorNeeded) as caught:
        machine.check()
    assert caught.value.mend == "Once: sudo loginctl enable-linger ada"

    (machine.linger / "ada").touch()
    machine.check()


def test_a_program_in_a_home_is_refused_for_the_system(place: Place) -> None:
    with pytest.raises(OperatorNeeded, match="which a system unit does not see"):
        steps.check_program(replace(place, scope="system", program=place.program))


def test_a_state_folder_that_is_not_the_units_own_is_refused(place: Place, tmp_path: Path) -> None:
    place = replace(place, scope="system")
    steps.check_home(place)

    place.home.mkdir()
    (place.home / "0123456789ab").mkdir()
    with pytest.raises(OperatorNeeded, match="databases of studios that root"):
        steps.check_home(place)


def test_a_shell_and_units_with_two_databases_are_refused_without_showing_them(
    tmp_path: Path,
) -> None:
    secrets = tmp_path / "secrets.env"
    secrets.write_text("OPENAI_API_KEY=k\nBOOKAI_DSN='postgresql://a:hush@db/one'\n")
    units_have = written_in(secrets)

    check_same_database(secrets, units_have, {"BOOKAI_DSN": "postgresql://a:hush@db/one"})
    check_same_database(secrets, "", {})
    for shell, there in (("postgresql://b:hush@db/two", units_have), ("", units_have), ("x", "")):
        with pytest.raises(OperatorNeeded, match="another database") as caught:
            check_same_database(secrets, there, {"BOOKAI_DSN": shell})
        assert "hush" not in str(caught.value)
        assert str(secrets) in str(caught.value)


def test_many_workers_get_a_server_with_room_or_are_refused(place: Place) -> None:
    check_enough(4, embedded=True, keeper=False)
    check_enough(64, embedded=False, keeper=False)
    with pytest.raises(OperatorNeeded, match="5 workers may need 90 connections"):
        check_enough(5, embedded=True, keeper=False)

    keeper = units(replace(place, workers=64, with_postgres=True))["bookai-postgres.service"]
    assert "Environment=BOOKAI_PG_CONNECTIONS=680\n" in keeper
    assert "TasksMax=856\n" in keeper
    assert "CONNECTIONS" not in units(replace(place, with_postgres=True))["bookai-postgres.service"]


def test_a_path_with_a_space_or_a_percent_sign_is_read_as_it_is() -> None:
    assert quoted(Path("/opt/a b/bookai")) == '"/opt/a b/bookai"'
    assert quoted(Path("/opt/100%/b$k")) == "/opt/100%%/b$$k"
    with pytest.raises(OperatorNeeded):
        quoted(Path("/opt/a\nExecStart=/bin/sh"))


def test_newer_systemd_backs_off_and_older_is_not_told_to(place: Place) -> None:
    assert "RestartSteps" not in units(place)["bookai-loop.service"]
    assert "RestartSteps=5" in units(replace(place, version=257))["bookai-loop.service"]


def test_each_stored_secret_is_loaded_and_an_open_one_refused(place: Place, tmp_path: Path) -> None:
    for name in ("bookai.BOOKAI_DSN", "bookai.news", "others.secret"):
        (tmp_path / name).write_text("s")
        (tmp_path / name).chmod(0o600)
    names = credentials_in(tmp_path)
    system = replace(place, scope="system", credentials=names, with_postgres=True)

    assert names == ("BOOKAI_DSN", "news")
    assert "LoadCredential=news:/etc/credstore/bookai.news" in units(system)["bookai-loop.service"]
    assert "LoadCredential" not in units(system)["bookai-postgres.service"]
    (tmp_path / "bookai.news").chmod(0o644)
    with pytest.raises(OperatorNeeded, match="others may read it"):
        credentials_in(tmp_path)


def test_a_users_open_file_of_secrets_is_refused(place: Place) -> None:
    assert place.secrets is not None
    check_closed(place.secrets)

    place.secrets.write_text("OPENAI_API_KEY=k")
    place.secrets.chmod(0o600 | stat.S_IRGRP)
    with pytest.raises(OperatorNeeded, match="others may read it"):
        check_closed(place.secrets)


def test_a_credential_stands_for_a_variable_that_is_not_set(tmp_path: Path) -> None:
    (tmp_path / "BOOKAI_DSN").write_text("postgresql://studio@db/bookai\n")
    (tmp_path / "OPENAI_API_KEY").write_text("from-the-file")
    (tmp_path / "news").write_text("a channel's own")
    environment = {"CREDENTIALS_DIRECTORY": str(tmp_path), "OPENAI_API_KEY": "set"}

    assert take_credentials(environment) == ("BOOKAI_DSN",)
    assert environment["BOOKAI_DSN"] == "postgresql://studio@db/bookai"
    assert environment["OPENAI_API_KEY"] == "set"
    assert "news" not in environment


def test_an_empty_credential_is_named_and_never_shown(tmp_path: Path) -> None:
    (tmp_path / "BOOKAI_DSN").write_text("secret\0secret\n")

    with pytest.raises(OperatorNeeded, match="'BOOKAI_DSN' is empty") as caught:
        take_credentials({"CREDENTIALS_DIRECTORY": str(tmp_path)})

    assert "secret" not in str(caught.value)


def test_a_credential_of_several_lines_is_no_variable_and_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "SIGNING_KEY").write_text("-----BEGIN\nabc\n-----END\n")
    (tmp_path / "ZZ").write_text("one")
    environment = {"CREDENTIALS_DIRECTORY": str(tmp_path)}

    assert take_credentials(environment) == ("ZZ",)
    assert "SIGNING_KEY has several lines" in caplog.text
    assert "abc" not in caplog.text


def test_a_dry_run_prints_units_and_commands_and_writes_nothing(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")}

    done = CliRunner().invoke(
        bookai, ["install", "--user", "--dry-run", "--workers", "2"], env=home
    )

    assert done.exit_code == 0, done.output
    assert f"==> {tmp_path}/config/systemd/user/bookai-loop.service\n{MARK}" in done.output
    assert "systemctl --user enable bookai-mcp.service bookai-loop.service" in done.output
    assert not (tmp_path / "config").exists()


def test_a_scope_must_be_said() -> None:
    assert CliRunner().invoke(bookai, ["install"]).exit_code == 2
