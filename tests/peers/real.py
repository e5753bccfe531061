"""Real third-party servers on loopback, where Node and their packages are: `make peers`."""

import asyncio
import json
import os
import secrets
import shutil
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.peers.http_peer import HttpPeer, Reply, Request

ROOT = Path(__file__).resolve().parents[2]
NODE = ROOT / "tests" / "peers" / "node"
# Read at import: no test sees the operator's own settings.
FOLDER = Path(os.environ.get("BOOKAI_PEERS") or ROOT / ".peers").absolute()
START_S = 40
HANDLE, PASSWORD = "studio.test", "a-pass-word-for-tests"


def require(package: str, built: str = "") -> None:
    """Skip the test, with the reason, where a server is not installed."""
    if shutil.which("node") is None:
        pytest.skip("there is no Node here")
    for path in (package, built):
        if path and not (FOLDER / "node_modules" / path).exists():
            pytest.skip(f"{path} is not in {FOLDER}: make peers")


@asynccontextmanager
async def node(script: str, *arguments: str, env: Mapping[str, str]) -> AsyncIterator[str]:
    """Run a script of ours; yield what it says after READY; end it."""
    process = await asyncio.create_subprocess_exec(
        *("node", str(NODE / script), *arguments),
        cwd=FOLDER,
        env={"PATH": os.environ["PATH"], **env},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_S):
            said = ""
            while not said.startswith("READY"):
                line = await process.stdout.readline()
                if not line:
                    raise RuntimeError(f"{script} did not start: {said}")
                said = line.decode().strip()
        yield said.removeprefix("READY").strip()
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        # The pipe belongs to the loop that ends with the test.
        process._transport.close()  # type: ignore[attr-defined]  # asyncio has no public way


class FakePlc(HttpPeer):
    """The directory of identities, which the real server asks: it takes every operation."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, dict[str, Any]] = {}

    async def answer(self, request: Request) -> Reply:
        did, _, more = request.path.strip("/").partition("/")
        if request.method == "POST":
            self._last[did] = await request.json()
            return Reply(body={})
        operation = self._last.get(did)
        if did == "_health":
            return Reply(body={"version": "1"})
        if operation is None:
            return Reply(404, {"message": f"DID not registered: {did}"})
        if more == "data":
            names = ("rotationKeys", "verificationMethods", "alsoKnownAs", "services")
            return Reply(body={"did": did, **{name: operation.get(name) for name in names}})
        if more == "log/last":
            return Reply(body=operation)
        return Reply(body=_document(did, operation))


def _document(did: str, operation: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "@context": ["https://www.w3.org/ns/did/v1"],
        "id": did,
        "alsoKnownAs": operation["alsoKnownAs"],
        "verificationMethod": [
            {
                "id": f"{did}#{name}",
                "type": "Multikey",
                "controller": did,
                "publicKeyMultibase": key.removeprefix("did:key:"),
            }
            for name, key in operation["verificationMethods"].items()
        ],
        "service": [
            {"id": f"#{name}", "type": one["type"], "serviceEndpoint": one["endpoint"]}
            for name, one in operation["services"].items()
        ],
    }


@dataclass(frozen=True)
class RealPds:
    """A personal data server with one account."""

    url: str
    did: str

    async def records(self) -> list[dict[str, Any]]:
        query = f"repo={self.did}&collection=app.bsky.feed.post&limit=100"
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"{self.url}/xrpc/com.atproto.repo.listRecords?{query}")
        found: list[dict[str, Any]] = answer.json()["records"]
        return found

    async def blob(self, cid: str) -> bytes:
        query = f"did={self.did}&cid={cid}"
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"{self.url}/xrpc/com.atproto.sync.getBlob?{query}")
        return answer.content


@asynccontextmanager
async def open_pds(folder: Path) -> AsyncIterator[RealPds]:
    """Start the real server on a free port, with its files in `folder`, and make an account."""
    require("@atproto/pds", "better-sqlite3/build/Release/better_sqlite3.node")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    for name in ("data", "blobs", "tmp"):
        (folder / name).mkdir(parents=True)
    async with FakePlc() as plc:
        env = {
            "PDS_DEV_MODE": "true",
            "PDS_HOSTNAME": "localhost",
            "PDS_PORT": str(port),
            "PDS_DID_PLC_URL": plc.url,
            "PDS_DATA_DIRECTORY": str(folder / "data"),
            "PDS_BLOBSTORE_DISK_LOCATION": str(folder / "blobs"),
            "PDS_BLOBSTORE_DISK_TMP_LOCATION": str(folder / "tmp"),
            "PDS_SERVICE_HANDLE_DOMAINS": ".test",
            "PDS_INVITE_REQUIRED": "false",
            "PDS_DISABLE_SSRF_PROTECTION": "true",
            "PDS_BLOB_UPLOAD_LIMIT": "314572800",
            "PDS_JWT_SECRET": secrets.token_hex(16),
            "PDS_ADMIN_PASSWORD": secrets.token_hex(16),
            "PDS_DPOP_SECRET": secrets.token_hex(32),
            "PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX": secrets.token_hex(32),
            "LOG_ENABLED": "0",
        }
        async with node("pds.cjs", env=env):
            url = f"http://127.0.0.1:{port}"
            yield RealPds(url, await _make_account(url))


async def _make_account(url: str) -> str:
    wanted = {"handle": HANDLE, "email": "studio@example.com", "password": PASSWORD}
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        answer = await client.post(f"{url}/xrpc/com.atproto.server.createAccount", json=wanted)
    assert answer.status_code == 200, answer.text
    did: str = answer.json()["did"]
    return did


@dataclass(frozen=True)
class RealUploads:
    """A server for resumable uploads that takes orders for faults."""

    url: str

    async def order(self, **orders: object) -> None:
        async with httpx.AsyncClient(trust_env=False) as client:
            await client.post(f"{self.url}/control", content=json.dumps(orders))

    async def complete(self) -> list[dict[str, Any]]:
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"{self.url}/control")
        found: list[dict[str, Any]] = answer.json()["complete"]
        return found


@asynccontextmanager
async def open_uploads(folder: Path) -> AsyncIterator[RealUploads]:
    """Start the real upload server, with its files in `folder`."""
    require("@uploadx/core")
    async with node("uploads.cjs", str(folder), env={}) as port:
        yield RealUploads(f"http://127.0.0.1:{port}")
