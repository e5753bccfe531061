"""The units, judged by systemd's own verifier and security score where they are installed."""

import shutil
import subprocess
from pathlib import Path

import pytest

from studio.install.shipped import shipped

UNITS = Path(__file__).resolve().parents[1] / "systemd"
SERVICES = sorted(path.name for path in UNITS.glob("*.service"))
MOST_EXPOSURE = 20  # tenths

pytestmark = pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed"
)


def analyze(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["systemd-analyze", *words], capture_output=True, text=True, timeout=50, check=False
    )


def test_the_shipped_units_are_what_an_installation_writes() -> None:
    """To write them anew: python -m studio.install.shipped systemd"""
    found = {path.name: path.read_text() for path in UNITS.iterdir() if path.suffix != ".conf"}

    assert found == shipped()


def test_no_unit_has_an_unknown_key_or_a_bad_value(tmp_path: Path) -> None:
    # verify wants ExecStart to exist; it exits 0 even for unknown keys, so its words are the test.
    for path in UNITS.iterdir():
        text = path.read_text().replace("/opt/bookai/.venv/bin/bookai", "/bin/true")
        if path.suffix == ".conf":
            (tmp_path / "bookai-worker@.service.d").mkdir()
            (tmp_path / "bookai-worker@.service.d" / path.name).write_text(text)
        else:
            (tmp_path / path.name).write_text(text)
    names = [tmp_path / name for name in (*SERVICES, "bookai.target")]

    done = analyze("verify", "--man=no", *map(str, names))

    assert [line for line in done.stderr.splitlines() if "bookai" in line] == []
    assert done.returncode == 0


@pytest.mark.parametrize("unit", SERVICES)
def test_a_unit_is_exposed_by_at_most_two_points(unit: str) -> None:
    done = analyze("security", "--offline=true", f"--threshold={MOST_EXPOSURE}", str(UNITS / unit))

    assert done.returncode == 0, done.stdout[-300:]
