import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from tools.media.tether import lent

PARENT = """
import asyncio, sys
from pathlib import Path
from tools.ffmpeg.runner import run_ffmpeg

asyncio.run(run_ffmpeg([], binary=Path(sys.argv[1]), timeout_s=60))
"""
CHILD = """#!/bin/sh
trap '' TERM INT HUP
echo $$ > {pipe}
exec sleep 60
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
async def test_a_program_that_ignores_sigterm_dies_with_a_parent_that_was_killed(
    tmp_path: Path,
) -> None:
    pipe, program = tmp_path / "pipe", tmp_path / "program"
    os.mkfifo(pipe)
    program.write_text(CHILD.format(pipe=pipe))
    program.chmod(0o755)
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, str(program), cwd=Path(__file__).parents[3]
    )
    child = int(await asyncio.to_thread(pipe.read_text))
    watched = os.pidfd_open(child)
    gone = asyncio.Event()
    asyncio.get_running_loop().add_reader(watched, gone.set)

    parent.send_signal(signal.SIGKILL)

    async with asyncio.timeout(20):
        await gone.wait()
    asyncio.get_running_loop().remove_reader(watched)
    os.close(watched)
    await parent.wait()


def test_a_child_is_lent_no_secret() -> None:
    needed = {"PATH": "/bin", "LC_ALL": "C", "PYTHONPATH": "/p", "CUDA_VISIBLE_DEVICES": "0"}
    secret = {"BOOKAI_DSN": "x", "OPENAI_API_KEY": "x", "CREDENTIALS_DIRECTORY": "/c"}

    assert lent(needed | secret) == needed
