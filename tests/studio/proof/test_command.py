"""`bookai proof` from the command line."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from bookai.errors import OperatorNeeded
from studio.proof.pack import verifier, write_whole
from tests.studio.proof.conftest import Maker, check

BOOKAI = Path(sys.executable).parent / "bookai"


def bookai(
    maker: Maker, dsns: tuple[str, str], *arguments: str
) -> "subprocess.CompletedProcess[str]":
    env = {name: value for name, value in os.environ.items() if not name.startswith("BOOKAI_")}
    env |= {"BOOKAI_HOME": str(maker.home), "BOOKAI_METRICS_PORT": "0"}
    env |= {"BOOKAI_DSN": dsns[0], "BOOKAI_ADMIN_DSN": dsns[1]}
    return subprocess.run(
        [BOOKAI, *arguments], env=env, capture_output=True, text=True, timeout=50, check=False
    )


@pytest.mark.timeout(180)
async def test_a_stranger_checks_what_the_command_wrote(
    maker: Maker, dsn: str, admin_dsn: str, tmp_path: Path
) -> None:
    job_id, out = await maker.publish(), tmp_path / "proof.zip"

    done = bookai(maker, (dsn, admin_dsn), "proof", str(job_id), "--out", str(out), "--json")

    told = json.loads(done.stdout)
    with zipfile.ZipFile(out) as pack:
        pack.extractall(tmp_path / "pack")
    checked = check(tmp_path / "pack", "--key", told["key"])
    assert (told["unsealed"], checked.code) == (0, 0), checked.out


@pytest.mark.timeout(180)
async def test_a_job_or_a_video_that_is_not_there_is_one_line(
    maker: Maker, dsn: str, admin_dsn: str, tmp_path: Path
) -> None:
    job_id, out = await maker.publish(), tmp_path / "proof.zip"
    (maker.home / "work" / str(job_id) / "video").write_bytes(b"another video")

    unknown = bookai(maker, (dsn, admin_dsn), "proof", "99", "--out", str(out))
    gone = bookai(maker, (dsn, admin_dsn), "proof", str(job_id), "--out", str(out), "--with-video")

    assert unknown.stderr.startswith("error: there is no job 99")
    assert gone.stderr.startswith(f"error: the video of job {job_id} is gone")
    assert not out.exists()


def test_the_verifier_alone_can_be_had_from_any_studio(tmp_path: Path) -> None:
    out = tmp_path / "verify.py"
    arguments = [str(BOOKAI), "proof", "--verifier"]

    done = subprocess.run(
        [*arguments, str(out)], capture_output=True, text=True, timeout=50, check=True
    )
    nowhere = subprocess.run(
        [*arguments, str(out / "x")], capture_output=True, text=True, timeout=50, check=False
    )

    assert done.stdout.startswith(f"the verifier is in {out}.")
    assert out.read_bytes() == verifier()
    assert nowhere.stderr.startswith(f"error: {out}/x cannot be written (Not a directory).")


def test_a_place_that_is_no_folder_names_its_mend(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(OperatorNeeded, match=r"cannot be written .* Choose another"):
        write_whole(tmp_path / "file" / "x.zip", b"x")
