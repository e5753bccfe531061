"""The studio's own certificate: made once, renewed in time, never half there."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from bookai.errors import OperatorNeeded
from tests.tools.provenance.certificates import NOW
from tools.provenance.chain import PUBLIC, RENEWED_BEFORE, ROOT, SIGNER, SIGNER_LIFE, open_identity
from tools.provenance.config import Config

STARTER = """
import sys
from datetime import UTC, datetime
from tools.provenance.chain import open_identity
from tools.provenance.config import Config
sys.stdin.readline()
identity = open_identity(Config(folder=sys.argv[1]), datetime.now(UTC))
print(identity.serial, identity.certificates[1].serial_number)
"""


def own(folder: Path) -> Config:
    return Config(folder=str(folder / "c2pa"))


def test_the_first_use_makes_a_root_and_a_signer_that_only_the_owner_can_read(
    tmp_path: Path,
) -> None:
    identity = open_identity(own(tmp_path), NOW)

    folder = tmp_path / "c2pa"
    modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert modes == {ROOT: 0o600, SIGNER: 0o600, PUBLIC: 0o644}
    assert (identity.own, identity.signer) == (True, "BookAI Studio signer")
    assert identity.leaf.not_valid_after_utc - NOW > SIGNER_LIFE - timedelta(seconds=1)
    assert (folder / PUBLIC).read_text() == identity.anchors
    assert "PRIVATE" not in identity.anchors + repr(identity)


def test_the_second_use_finds_the_same(tmp_path: Path) -> None:
    once, twice = (open_identity(own(tmp_path), NOW) for _ in range(2))

    assert once == twice


def test_its_names_say_nothing_of_the_person_or_the_machine(tmp_path: Path) -> None:
    identity = open_identity(own(tmp_path), NOW)

    subjects = [one.subject.rfc4514_string() for one in identity.certificates]
    assert subjects[0] == "CN=BookAI Studio signer,O=BookAI Studio"
    assert subjects[1].startswith("CN=BookAI Studio root ")


def test_processes_that_start_at_once_make_one_chain(tmp_path: Path) -> None:
    command = [sys.executable, "-c", STARTER, str(tmp_path / "c2pa")]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])}
    starters = [
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for _ in range(4)
    ]

    told = {one.communicate("\n", timeout=50)[0] for one in starters}

    assert [one.returncode for one in starters] == [0, 0, 0, 0]
    assert len(told) == 1
    assert sorted(os.listdir(tmp_path / "c2pa")) == sorted([ROOT, SIGNER, PUBLIC])


def test_the_signer_is_renewed_before_it_expires_and_keeps_its_root(tmp_path: Path) -> None:
    before = open_identity(own(tmp_path), NOW)
    late = before.leaf.not_valid_after_utc - RENEWED_BEFORE + timedelta(days=1)

    after = open_identity(own(tmp_path), late)

    assert after.serial != before.serial
    assert after.anchors == before.anchors
    assert after.leaf.not_valid_after_utc - late > SIGNER_LIFE - timedelta(seconds=1)
    assert open_identity(own(tmp_path), late) == after


def test_a_studio_that_slept_past_the_end_renews_too(tmp_path: Path) -> None:
    before = open_identity(own(tmp_path), NOW)

    after = open_identity(own(tmp_path), before.leaf.not_valid_after_utc + timedelta(days=1))

    assert after.serial != before.serial


@pytest.mark.parametrize("name", [ROOT, SIGNER])
def test_a_key_that_others_can_read_is_refused_with_the_mend(tmp_path: Path, name: str) -> None:
    open_identity(own(tmp_path), NOW)
    (tmp_path / "c2pa" / name).chmod(0o644)

    with pytest.raises(OperatorNeeded) as caught:
        open_identity(own(tmp_path), NOW)

    assert caught.value.mend == f"chmod 600 {tmp_path / 'c2pa' / name}"


@pytest.mark.parametrize("name", [ROOT, SIGNER])
def test_a_damaged_file_is_named(tmp_path: Path, name: str) -> None:
    open_identity(own(tmp_path), NOW)
    (tmp_path / "c2pa" / name).write_bytes(b"-----BEGIN CERTIFICATE-----\n")

    with pytest.raises(OperatorNeeded, match=name):
        open_identity(own(tmp_path), NOW)


def test_a_signer_of_another_root_is_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        open_identity(own(tmp_path / name), NOW)
    os.replace(tmp_path / "a/c2pa" / SIGNER, tmp_path / "b/c2pa" / SIGNER)

    with pytest.raises(OperatorNeeded, match="was not issued by"):
        open_identity(own(tmp_path / "b"), NOW)


def test_a_removed_public_certificate_is_written_again(tmp_path: Path) -> None:
    identity = open_identity(own(tmp_path), NOW)
    (tmp_path / "c2pa" / PUBLIC).unlink()

    open_identity(own(tmp_path), NOW)

    again = x509.load_pem_x509_certificate((tmp_path / "c2pa" / PUBLIC).read_bytes())
    assert again == identity.certificates[1]


def test_a_folder_that_cannot_be_made_needs_the_operator(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(OperatorNeeded, match="cannot be kept"):
        open_identity(Config(folder=str(tmp_path / "file" / "c2pa")), NOW)


def test_without_a_folder_there_is_no_certificate_of_its_own() -> None:
    with pytest.raises(OperatorNeeded, match="no folder"):
        open_identity(Config(), NOW)
