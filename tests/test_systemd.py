"""The units, judged by systemd's own verifier where it is installed."""

import shutil
import subprocess
from pathlib import Path

import pytest

UNITS = Path(__file__).resolve().parents[1] / "systemd"


@pytest.mark.parametrize("unit", sorted(p.name for p in UNITS.glob("*.service")))
def test_a_unit_has_no_unknown_key_and_no_bad_value(unit: str, tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    # verify wants ExecStart to exist; it exits 0 even for unknown keys, so its words are the test.
    text = (UNITS / unit).read_text().replace("/opt/bookai/.venv/bin/bookai", "/bin/true")
    name = unit.replace("@", "@1")
    (tmp_path / name).write_text(text)

    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / name)],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    said = [line for line in done.stderr.splitlines() if name in line]
    assert said == []
    assert done.returncode == 0
