"""Rules of the house that are programs: size, addresses, what the README promises."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LINE_LIMIT = 400
# path = limit, with the reason; limits only go down.
EXCEPTIONS: dict[str, int] = {}

PACKAGE_INDEX = re.compile(r"(pypi|pythonhosted|npmjs)[a-z.]*\.(org|com)")
MACHINE_PATH = re.compile(r"(^|[^A-Za-z0-9_.$}-])/(work|farm|root)/")


def committed() -> list[Path]:
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, timeout=30
        ).stdout.decode()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout: what is committed cannot be listed")
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_no_python_file_is_longer_than_the_limit() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in committed()
        if path.suffix == ".py"
        and (lines := len(path.read_text(encoding="utf-8").splitlines()))
        > EXCEPTIONS.get(str(path.relative_to(ROOT)), LINE_LIMIT)
    }

    assert long == {}


def test_no_folder_holds_more_python_files_than_one_can_overlook() -> None:
    counts: dict[Path, int] = {}
    for path in committed():
        if path.suffix == ".py" and not path.name.startswith("__"):
            counts[path.parent.relative_to(ROOT)] = counts.get(path.parent.relative_to(ROOT), 0) + 1
    # One tool a file is the rule there; the MCP server's own limit of 25 tools bounds it.
    crowded = {str(folder): n for folder, n in counts.items() if n > 12 and str(folder) != "tools"}

    assert {name: n for name, n in crowded.items() if not name.startswith("tests")} == {}


def test_nothing_names_a_package_index_or_a_path_of_one_machine() -> None:
    found = []
    for path in committed():
        if path.name in ("LICENSE", "test_repository.py") or path.suffix in (".jpg", ".png"):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if PACKAGE_INDEX.search(line) or MACHINE_PATH.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}")

    assert found == []


def test_every_locked_requirement_has_hashes() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / name).read_text(encoding="utf-8")
        pins = re.findall(r"^[a-z0-9][^ ]*==", text, re.MULTILINE)
        blocks = re.findall(r"^[a-z0-9][^\n]*\\\n    --hash=sha256:", text, re.MULTILINE)
        assert len(pins) == len(blocks) > 50


def test_the_readme_names_the_two_commands() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    assert "make demo" in readme
    assert "make test" in readme
