"""Verifying a pack that was made to deceive, and honest packs that look odd."""

import re
import shlex
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import studio.proof.verify
from bookai.db import approvals
from studio.proof.gather import Files
from studio.proof.pack import as_zip
from studio.proof.verify import canonical
from tests.studio.proof.conftest import (
    KEYS,
    NOW,
    Maker,
    check,
    edited,
    resealed,
    run_there,
    sha256,
    unpack,
)

VERIFIER = Path(studio.proof.verify.__file__)
GUIDE = Path(__file__).parents[3] / "docs" / "how-to" / "hand-out-a-proof.md"
HOSTILE = b"print('everything holds')\nraise SystemExit(0)\n"


def another_film(files: Files) -> Files:
    """A pack about a film that nobody approved, with the job's true log."""
    film = b"another film"

    def row(one: dict[str, Any]) -> None:
        one.update(decided_by=None, decided_at=None, votes=[], state="pending")
        one["post"]["video_sha256"] = sha256(film)
        one["digest"] = sha256(canonical(one["post"]))

    def listed(rows: list[dict[str, Any]]) -> None:
        for one in rows:
            if one["kind"] == "video":
                one["sha256"] = sha256(film)

    forged = edited(edited(files, "approvals/1.json", row), "assets.json", listed)
    return resealed({**forged, "files/video.mp4": film})


async def test_a_film_that_nobody_approved_does_not_pass(maker: Maker, tmp_path: Path) -> None:
    files = another_film(await maker.pack(await maker.publish()))

    done = check(unpack(files, tmp_path / "pack"), "--key", str(KEYS.verifier))

    assert done.code == 1
    assert {"approval", "order", "media"} <= done.failed.keys(), done.out
    assert "no approval in the pack is for what was sent" in done.failed["media"]


async def test_a_post_that_waits_is_not_called_approved(maker: Maker, tmp_path: Path) -> None:
    job_id = await maker.ask()

    done = check(unpack(await maker.pack(job_id), tmp_path / "pack"))

    assert done.code == 0, done.out
    assert "nobody decided" in done.out
    assert "as asked about, but not approved" in done.out


async def test_the_tenth_approval_is_newer_than_the_ninth(maker: Maker, tmp_path: Path) -> None:
    for _ in range(8):
        await maker.publish()
    job_id = await maker.ask({"video_sha256": "1" * 64})
    await approvals.decide(maker.pool, 9, False, "no good", "operator:bea", NOW)
    job = maker.finished(job_id, "https://example.org/owls")
    assert job.post is not None
    async with maker.pool.acquire() as con, con.transaction():
        assert await approvals.request(con, job_id, job.post, "x", NOW, timedelta(hours=1)) == 10

    done = check(unpack(await maker.pack(job_id), tmp_path / "pack"))

    assert done.code == 0, done.out


async def test_a_source_that_names_a_folder_is_quoted_to_the_letter(
    maker: Maker, tmp_path: Path
) -> None:
    maker.text = "Owls fly at night. The tool writes to /tmp on Linux."
    maker.said = ("Owls fly at night.", "The tool writes to /tmp on Linux.")

    done = check(unpack(await maker.pack(await maker.publish()), tmp_path / "pack"))

    assert done.code == 0, done.out


@pytest.mark.parametrize("key", ["", " ", "empty.pub"])
async def test_an_empty_key_is_no_key(maker: Maker, tmp_path: Path, key: str) -> None:
    folder = unpack(await maker.pack(await maker.publish()), tmp_path / "pack")
    empty = tmp_path / "empty.pub"
    empty.write_text("\n")

    done = check(folder, "--key", key.replace("empty.pub", str(empty)))

    assert done.code == 2
    assert "--key is empty" in done.out


async def test_the_documented_command_is_not_fooled_by_what_is_packed(
    maker: Maker, tmp_path: Path
) -> None:
    forged = another_film(await maker.pack(await maker.publish()))
    (command,) = re.findall(r"^python -I verify\.py .*$", GUIDE.read_text(), re.MULTILINE)
    words = shlex.split(command.replace('"bookai-studio+65842355+AV4L…"', str(KEYS.verifier)))
    hostile = ("verify.py", "argparse.py", "json.py", "cryptography/__init__.py")
    files = resealed({**forged, **dict.fromkeys(hostile[1:], HOSTILE)}) | {"verify.py": HOSTILE}
    (tmp_path / "proof-3.zip").write_bytes(as_zip(files))
    shutil.copyfile(VERIFIER, tmp_path / "verify.py")

    done = run_there(tmp_path, *words[1:])

    assert done.code == 1
    assert "media" in done.failed


async def test_a_file_that_no_pack_has_is_named_though_the_studio_signed_it(
    maker: Maker, tmp_path: Path
) -> None:
    files = resealed({**await maker.pack(await maker.publish()), "json.py": HOSTILE})

    done = check(unpack(files, tmp_path / "pack"))

    assert "'json.py' is no file of a proof pack" in done.failed["manifest"]


async def test_what_lies_beside_the_verifier_is_not_imported(maker: Maker, tmp_path: Path) -> None:
    files = await maker.pack(await maker.publish())
    for name in ("argparse.py", "json.py", "cryptography/__init__.py"):
        files[name] = HOSTILE
    folder = unpack(resealed(files), tmp_path / "pack")

    done = run_there(folder, "verify.py")

    assert done.code == 1
    assert "is no file of a proof pack" in done.failed["manifest"]
