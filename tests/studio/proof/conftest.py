"""A job that went all the way, with small files for its video, and the pack that proves it."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bookai.db import approvals, dossier, jobs, outbox
from bookai.db.pool import Pool
from bookai.db.seal.files import SealKeys
from bookai.db.seal.sealer import seal
from bookai.models import Line, Script, Span, VideoJob
from bookai.settings import Settings
from studio.proof.gather import Files, gather
from studio.proof.pack import seal_pack
from tests.graphs.crew import ARTICLE, POST, RENDER, RESULTS

KEYS = SealKeys(Ed25519PrivateKey.from_private_bytes(b"k" * 32))
THIEF = SealKeys(Ed25519PrivateKey.from_private_bytes(b"t" * 32))
NOW = datetime.now(UTC)
TEXT = "Owls fly at night. They hear a mouse under snow.\n\nZoë filmed one in 2024."
SAID = ("Owls fly at night.", "They hear a mouse under snow.", "Zoë filmed one in 2024.")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@dataclass
class Maker:
    """Makes jobs that are approved and published, and packs of them."""

    pool: Pool
    home: Path
    notes: Path
    text: str = TEXT
    said: tuple[str, ...] = SAID

    @property
    def settings(self) -> Settings:
        return Settings.model_validate({"home": self.home})

    async def ask(self, changes: dict[str, object] | None = None) -> int:
        """A job whose post, with changes, waits for an answer."""
        source = "https://example.org/owls"
        async with self.pool.acquire() as con, con.transaction():
            job_id = await jobs.create(con, source, "default", "operator:ann")
            job = self.finished(job_id, source)
            assert job.post is not None
            await jobs.save(con, job)
            post = job.post.model_copy(update=changes or {})
            await approvals.request(con, job_id, post, "x", NOW, timedelta(hours=1))
        return job_id

    async def publish(self, source: str = "https://example.org/owls", reason: str = "ok") -> int:
        async with self.pool.acquire() as con, con.transaction():
            job_id = await jobs.create(con, source, "default", "operator:ann")
            job = self.finished(job_id, source)
            assert job.post is not None
            assert job.render is not None
            await jobs.save(con, job)
            approval_id = await approvals.request(
                con, job_id, job.post, job.render.video_path, NOW, timedelta(hours=1)
            )
        await approvals.decide(self.pool, approval_id, True, reason, "operator:bea", NOW)
        claim = await outbox.arm(self.pool, job_id, job.post)
        await self.begin(claim)
        url = f"https://example.org/v/{job_id}"
        await outbox.mark_posted(self.pool, claim.post_id, f"x{job_id}", url)
        return job_id

    async def begin(self, claim: outbox.Claim) -> None:
        """Note that the post is being sent; a fenced outbox also wants attempt and sender."""
        mark: Callable[..., Awaitable[None]] = outbox.mark_sending
        attempt = claim.model_dump().get("attempt")
        await mark(self.pool, claim.post_id, *([attempt, "test"] if attempt else []))

    def finished(self, job_id: int, source: str) -> VideoJob:
        folder = self.home / "work" / str(job_id)
        folder.mkdir(parents=True, exist_ok=True)
        data = {
            "video": f"the video of job {job_id}".encode(),
            "thumbnail": b"a picture",
            "captions": b"WEBVTT\n",
        }
        paths = {kind: folder / kind for kind in data}
        for kind, path in paths.items():
            path.write_bytes(data[kind])
        lines = [
            Line(
                text=one,
                kind="beat",
                span=Span(start=self.text.index(one), end=self.text.index(one) + len(one)),
            )
            for one in self.said
        ]
        script = Script(
            title="Owls",
            lines=(*lines, Line(text="Follow for more.", kind="cta")),
            language="en",
            draft_kind="extractive",
            writer="extractive",
            seconds_est=20,
        )
        hashes = {
            "thumbnail_sha256": sha256(data["thumbnail"]),
            "captions_sha256": sha256(data["captions"]),
        }
        video = sha256(data["video"])
        files = {f"{kind}_path": str(path) for kind, path in paths.items()}
        post = {"video_sha256": video, "transcript": script.text, "title": f"Owls {job_id}"}
        article = ARTICLE.model_copy(
            update={"text": self.text, "sha256": sha256(self.text.encode()), "licence": "CC0-1.0"}
        )
        job = VideoJob(
            job_id=job_id,
            source=source,
            requested_by="operator:ann",
            article=article,
            script=script,
            render=RENDER.model_copy(update={**files, **hashes, "sha256": video}),
            post=POST.model_copy(update={**post, **hashes}),
        )
        found = {**RESULTS["scout"], **RESULTS["edit"], **RESULTS["check"], "article": article}
        return job.model_copy(update=found)

    async def pack(self, job_id: int, *, with_video: bool = True) -> Files:
        await seal(self.pool, KEYS, self.notes)
        found = await dossier.read(self.pool, job_id)
        return seal_pack(gather(found, self.settings, with_video=with_video), job_id, KEYS)


@pytest.fixture
def maker(pool: Pool, tmp_path: Path) -> Maker:
    return Maker(pool, tmp_path / "home", tmp_path / "audit" / "checkpoints.notes")


@dataclass
class Checked:
    """What verify.py said; `failed` are its failed checks by name."""

    code: int
    out: str

    @property
    def failed(self) -> dict[str, str]:
        lines = (line[6:].partition(": ") for line in self.out.splitlines() if line[:4] == "FAIL")
        return {name: words for name, _, words in lines}


def check(folder: Path, *arguments: str) -> Checked:
    """Run the pack's own verifier as a stranger would: no studio, no environment."""
    return run_there(folder, "-I", "verify.py", *arguments)


def run_there(folder: Path, *arguments: str) -> Checked:
    """Run Python in `folder`."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stderr == ""
    return Checked(done.returncode, done.stdout)


def edited(files: Files, name: str, change: Callable[[Any], Any]) -> Files:
    """The files with one JSON file changed in place."""
    value = json.loads(files[name])
    change(value)
    return {**files, name: json.dumps(value).encode()}


def resealed(files: Files, keys: SealKeys = KEYS) -> Files:
    """What a forger makes who fixes the manifest, and who has a key of his own."""
    own = ("README.txt", "verify.py", "signing.pub", "MANIFEST", "MANIFEST.note")
    job_id = json.loads(files["job.json"])["job_id"]
    return seal_pack({n: d for n, d in files.items() if n not in own}, job_id, keys)


def unpack(files: Files, folder: Path) -> Path:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder
