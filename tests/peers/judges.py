"""The JavaScript tools that judge an MCP server, where they are installed: `make conformance`."""

import asyncio
import json
import os
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "tests" / "peers" / "mcp_js"
# Read at import: no test sees the operator's own settings.
FOLDER = Path(os.environ.get("BOOKAI_CONFORMANCE") or ROOT / ".conformance").absolute()
PACKAGES = FOLDER / "node_modules"
SUITE = PACKAGES / "@modelcontextprotocol/conformance/dist/index.js"
INSPECTOR = PACKAGES / "@modelcontextprotocol/inspector/clients/launcher/build/index.js"
LIMIT_S = 100.0
_ARCHITECTURES = {"x86_64": "x64", "aarch64": "arm64"}
_OLDEST_NODE = 22


@dataclass(frozen=True, slots=True)
class Ran:
    """How a program ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def told(self) -> Any:
        """Its last line, which is JSON."""
        return json.loads(self.out.strip().splitlines()[-1])


@dataclass(frozen=True, slots=True)
class Check:
    """One check of one scenario; `status` is SUCCESS, FAILURE, WARNING, SKIPPED or INFO."""

    scenario: str
    name: str
    status: str
    why: str = ""


def require() -> None:
    """Skip the test, with the reason, where the tools are not installed."""
    missing = [path for path in (SUITE, INSPECTOR) if not path.exists()]
    if missing:
        pytest.skip(f"{missing[0].relative_to(FOLDER)} is not in {FOLDER}: make conformance")
    if _node() is None:
        pytest.skip(f"there is no Node {_OLDEST_NODE} or newer here: make conformance")


async def run(script: Path, *arguments: str) -> Ran:
    """Run a script to its end; one that takes longer than LIMIT_S is killed."""
    node = _node()
    assert node is not None, "require() comes first"
    process = await asyncio.create_subprocess_exec(
        *(node, str(script), *arguments),
        cwd=FOLDER,
        # Without a home the Inspector would write into the operator's own.
        env={"PATH": os.environ["PATH"], "HOME": str(FOLDER), "NO_COLOR": "1"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(LIMIT_S):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return Ran(process.returncode, out.decode(), err.decode())


async def judge(url: str, revision: str, results: Path) -> tuple[Check, ...]:
    """Run the official suite's scenarios of one revision, those of extensions included."""
    ran = await run(SUITE, "server", "--url", url, "--requirements", revision, "-o", str(results))
    checks = _read(results)
    assert checks, f"the suite said nothing: {ran.err or ran.out}"
    return checks


async def inspect(*arguments: str) -> Ran:
    """Run the Inspector's command line, which writes JSON."""
    return await run(INSPECTOR, "--cli", "--format", "json", *arguments)


def script(name: str) -> Path:
    """Return a script of ours, with its neighbours beside the packages that they import."""
    for source in SCRIPTS.glob("*.mjs"):
        shutil.copyfile(source, FOLDER / source.name)
    return FOLDER / name


def _read(results: Path) -> tuple[Check, ...]:
    found: list[Check] = []
    for file in sorted(results.glob("*/checks.json")):
        # A folder is named server-SCENARIO-2026-11-26T02-58-48-539Z.
        scenario = file.parent.name.removeprefix("server-").rsplit("-", 6)[0]
        found += [
            Check(scenario, one["id"], one["status"], one.get("errorMessage") or "")
            for one in json.loads(file.read_text(encoding="utf-8"))
        ]
    return tuple(found)


def _node() -> str | None:
    """Return the Node that came with the tools, or a new enough one of the machine."""
    architecture = _ARCHITECTURES.get(platform.machine(), "")
    bundled = PACKAGES / f"node-linux-{architecture}" / "bin" / "node"
    if platform.system() == "Linux" and bundled.exists():
        return str(bundled)
    return shutil.which("node")
