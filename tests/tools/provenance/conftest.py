"""A small real video, and the two kinds of signers: the studio itself and an operator."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tools.provenance.certificates import Pair, issue
from tools.ffmpeg.runner import find_ffmpeg
from tools.provenance.config import Config


@pytest.fixture(scope="session")
def authority() -> Pair:
    return issue("An authority", ca=True)


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Two seconds of moving picture and sound, faststart, as the renderer leaves it."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    subprocess.run(
        [
            *(str(find_ffmpeg({})), "-v", "error", "-f", "lavfi"),
            *("-i", "testsrc=d=2:s=180x320:r=30", "-f", "lavfi", "-i", "sine=d=2:r=48000"),
            *("-pix_fmt", "yuv420p", "-c:a", "aac", "-movflags", "+faststart", str(path)),
        ],
        check=True,
        timeout=30,
    )
    return path.read_bytes()


@pytest.fixture
def video(tmp_path: Path, film: bytes) -> Path:
    path = tmp_path / "video.mp4"
    path.write_bytes(film)
    return path


@pytest.fixture(scope="session")
def own(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """Sign with the studio's own certificate."""
    return Config(folder=str(tmp_path_factory.mktemp("own") / "c2pa"))


@pytest.fixture
def operators(tmp_path: Path, authority: Pair) -> Callable[..., Config]:
    """Write an operator's chain and key, and return the settings that name them."""

    def write(leaf: Pair, *above: Pair, key: bytes = b"") -> Config:
        chain, secret = tmp_path / "chain.pem", tmp_path / "key.pem"
        chain.write_bytes(b"".join(one.pem for one in (leaf, *above)))
        secret.write_bytes(key or leaf.secret)
        secret.chmod(0o600)
        return Config(certificate_file=str(chain), key_file=str(secret))

    return write
