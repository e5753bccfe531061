"""Programs that stand for ffmpeg where it must fail: small scripts, really run."""

from collections.abc import Callable
from pathlib import Path

import pytest

MakeProgram = Callable[[str], Path]


@pytest.fixture
def make_program(tmp_path: Path) -> MakeProgram:
    def make(body: str) -> Path:
        program = tmp_path / "ffmpeg"
        program.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        program.chmod(0o755)
        return program

    return make
