"""The check's finding: what it takes for a video to go to an operator."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bookai.models import Finding
from tests.tools.provenance.certificates import FACTS, NOW, Pair, issue, order
from tools.checks.credentials import CHECK, UNTRUSTED, judge_credentials
from tools.checks.probe import judge_bytes, sha256_of
from tools.ffmpeg.runner import find_ffmpeg
from tools.provenance.config import Config
from tools.provenance.sign import sign_video

OFF = Config(enabled=False)


def test_a_signed_video_passes_and_the_operator_learns_what_it_is_worth(
    video: Path, own: Config
) -> None:
    sign_video(video, order(own), NOW)

    assert judge_credentials(video, own, FACTS) == Finding(
        check=CHECK,
        ok=True,
        detail="Trusted, signed by 'BookAI Studio signer' with the studio's own certificate; "
        + UNTRUSTED,
    )


def test_a_video_by_the_operators_certificate_passes_under_its_name(
    video: Path, operators: Callable[..., Config], authority: Pair
) -> None:
    config = operators(issue("Example Media", authority), authority)
    sign_video(video, order(config), NOW)

    found = judge_credentials(video, config, FACTS)

    assert found.ok
    assert "signed by 'Example Media'" in found.detail


def test_an_unsigned_video_fails(video: Path, own: Config) -> None:
    found = judge_credentials(video, own, FACTS)

    assert not found.ok
    assert "no manifest" in found.detail


def test_an_unsigned_video_passes_where_the_operator_turned_it_off(video: Path) -> None:
    assert judge_credentials(video, OFF, FACTS) == Finding(
        check=CHECK, ok=True, detail="not signed: turned off in settings"
    )


def test_a_signed_video_is_looked_at_even_where_it_is_turned_off(video: Path, own: Config) -> None:
    sign_video(video, order(own), NOW)
    off = own.model_copy(update={"enabled": False})
    assert judge_credentials(video, off, FACTS).ok

    video.write_bytes(video.read_bytes()[:-1])

    assert not judge_credentials(video, off, FACTS).ok


def test_another_studios_video_fails(video: Path, own: Config, tmp_path: Path) -> None:
    sign_video(video, order(Config(folder=str(tmp_path / "other"))), NOW)

    found = judge_credentials(video, own, FACTS)

    assert not found.ok
    assert "signingCredential.untrusted" in found.detail


def test_another_customer_of_the_same_authority_fails(
    video: Path, operators: Callable[..., Config], authority: Pair
) -> None:
    sign_video(video, order(operators(issue("Somebody else", authority), authority)), NOW)
    ours = operators(issue("Example Media", authority), authority)

    found = judge_credentials(video, ours, FACTS)

    assert (found.ok, found.detail) == (
        False,
        "signed by 'Somebody else' (limit 'Example Media')",
    )


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("job_id", 8),
        ("paid_promotion", False),
        ("draft_kind", "model"),
        ("writer", "a model"),
        ("voice", "another"),
    ],
)
def test_a_video_that_tells_other_facts_fails(
    video: Path, own: Config, name: str, other: object
) -> None:
    sign_video(video, order(own, **{name: other}), NOW)

    found = judge_credentials(video, own, FACTS)

    assert not found.ok
    assert name in found.detail


def test_a_remux_fails(video: Path, own: Config, tmp_path: Path) -> None:
    sign_video(video, order(own), NOW)
    copied = tmp_path / "copied.mp4"
    command = [str(find_ffmpeg({})), "-v", "error", "-i", str(video), "-c", "copy", str(copied)]
    subprocess.run(command, check=True, timeout=30)

    assert not judge_credentials(copied, own, FACTS).ok


def test_every_single_byte_is_watched_by_the_credentials_or_by_the_hash(
    video: Path, own: Config
) -> None:
    """The standard leaves out some bytes (the file's type, paddings): the SHA-256 has them all."""
    sign_video(video, order(own), NOW)
    promised, signed = sha256_of(video), video.read_bytes()
    unwatched = 0
    for at in range(3, len(signed), len(signed) // 40):
        video.write_bytes(signed[:at] + bytes([signed[at] ^ 0x80]) + signed[at + 1 :])

        unwatched += judge_credentials(video, own, FACTS).ok
        assert not judge_bytes("sha256", video, promised).ok

    assert unwatched < 4
