"""Signing and reading: what is signed is found, what is changed afterwards is found out."""

import asyncio
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import av
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from bookai.errors import BookAIError, OperatorNeeded
from bookai.house import VERSION
from tests.tools.provenance.certificates import FACTS, NOW, Key, Pair, issue, order
from tools.checks.probe import top_atoms
from tools.ffmpeg.runner import find_ffmpeg
from tools.provenance.chain import open_identity
from tools.provenance.config import Config
from tools.provenance.manifest import TERMS, Binding, public_url, source_type, training
from tools.provenance.read import Action, Credentials, read_credentials, signer_of
from tools.provenance.sign import sign_video, unlike
from tools.provenance.xmp import XMP

Operators = Callable[..., Config]
LARGEST_EXTRA = 20_000


def read(video: Path, config: Config) -> Credentials:
    return read_credentials(video, open_identity(config, NOW).anchors)


def part(video: Path, name: str) -> tuple[int, int]:
    """Return where the first outermost part of that name begins and how long it is."""
    data, at = video.read_bytes(), 0
    for one in top_atoms(video):
        size = int.from_bytes(data[at : at + 4], "big")
        if one == name:
            return at, size
        at += size
    raise AssertionError(name)


def facts_of(video: Path) -> tuple[int, float, list[str]]:
    """Decode everything; return the frames, the length and the sound's formats."""
    with av.open(str(video)) as file:
        frames = list(file.decode(video=0))
        length = (file.duration or 0) / av.time_base
    with av.open(str(video)) as file:
        sound = sorted({frame.format.name for frame in file.decode(audio=0)})
    return len(frames), length, sound


def test_a_signed_video_says_who_made_it_how_and_from_what(video: Path, own: Config) -> None:
    said = sign_video(video, order(own), NOW)

    assert said == read(video, own)
    assert said.state == "Trusted"
    assert (said.signer, said.issuer) == ("BookAI Studio signer", "BookAI Studio")
    assert said.claim_generator == f"BookAI Studio {VERSION}"
    assert said.title == "Clocks that agree"
    assert said.actions == (
        Action(
            action="c2pa.created",
            source_type=f"{TERMS}algorithmicMedia",
            software=f"BookAI Studio {VERSION}",
        ),
    )
    assert said.binding is not None
    assert said.binding.model_copy(update={"unsigned_sha256": ""}) == FACTS
    assert len(said.binding.unsigned_sha256) == 64
    assert said.problems == ()


def test_without_the_authority_it_is_valid_but_untrusted(video: Path, own: Config) -> None:
    sign_video(video, order(own), NOW)

    said = read_credentials(video)

    assert said.state == "Valid"
    assert [problem.partition(":")[0] for problem in said.problems] == [
        "signingCredential.untrusted"
    ]


def test_the_video_still_plays_and_starts_before_it_has_come(
    video: Path, own: Config, film: bytes
) -> None:
    before = facts_of(video)

    sign_video(video, order(own), NOW)

    assert facts_of(video) == before
    assert before[0] == 60
    assert top_atoms(video) == ("ftyp", "uuid", "moov", "free", "mdat", "uuid")
    assert 0 < video.stat().st_size - len(film) <= LARGEST_EXTRA


def test_only_credentials_that_hold_are_shown_under_a_name(video: Path, own: Config) -> None:
    assert signer_of(video) == ""

    sign_video(video, order(own), NOW)
    assert signer_of(video) == "BookAI Studio signer"

    video.write_bytes(video.read_bytes()[:-1])
    assert signer_of(video) == ""


def test_the_older_way_of_saying_it_is_there_too(video: Path, own: Config) -> None:
    sign_video(video, order(own, draft_kind="model"), NOW)

    tail = video.read_bytes().rpartition(XMP)[2].decode()
    assert f'Iptc4xmpExt:DigitalSourceType="{TERMS}compositeWithTrainedAlgorithmicMedia"' in tail


@pytest.mark.parametrize(
    ("changes", "term"),
    [
        ({}, "algorithmicMedia"),
        ({"draft_kind": "model"}, "compositeWithTrainedAlgorithmicMedia"),
        ({"voice": "a voice that learned"}, "compositeWithTrainedAlgorithmicMedia"),
    ],
)
def test_a_trained_model_that_wrote_or_spoke_is_told(changes: dict[str, str], term: str) -> None:
    assert source_type(FACTS.model_copy(update=changes)) == TERMS + term


@pytest.mark.parametrize(
    ("name", "share"),
    [("uuid", 0.2), ("uuid", 0.5), ("moov", 0.3), ("moov", 0.9)]
    + [("mdat", share) for share in (0.01, 0.3, 0.6, 0.99)],
)
def test_a_changed_byte_is_found(video: Path, own: Config, name: str, share: float) -> None:
    sign_video(video, order(own), NOW)
    data = bytearray(video.read_bytes())
    at, size = part(video, name)
    data[at + int(size * share)] ^= 0x01
    video.write_bytes(data)

    said = read(video, own)

    assert (said.state, bool(said.problems)) == ("Invalid", True)


@pytest.mark.parametrize("tail", [b"\0\0\0\x0cabcdabcd", b"hidden"])
def test_bytes_behind_the_end_are_found(video: Path, own: Config, tail: bytes) -> None:
    sign_video(video, order(own), NOW)
    video.write_bytes(video.read_bytes() + tail)

    assert read(video, own).state == "Invalid"


def test_a_cut_end_is_found(video: Path, own: Config) -> None:
    sign_video(video, order(own), NOW)
    video.write_bytes(video.read_bytes()[:-1])

    assert read(video, own).state == "Invalid"


def test_a_remux_takes_the_credentials_away(video: Path, own: Config, tmp_path: Path) -> None:
    sign_video(video, order(own), NOW)
    copied = tmp_path / "copied.mp4"
    command = [str(find_ffmpeg({})), "-v", "error", "-i", str(video), "-c", "copy", str(copied)]
    subprocess.run(command, check=True, timeout=30)

    assert read(copied, own).state == "absent"


def test_credentials_moved_to_another_video_do_not_hold(
    video: Path, own: Config, film: bytes
) -> None:
    sign_video(video, order(own), NOW)
    at, size = part(video, "uuid")
    manifest = video.read_bytes()[at : at + size]
    video.write_bytes(film[:at] + manifest + film[at:])

    assert read(video, own).state == "Invalid"


@pytest.mark.parametrize("content", [b"", b"no video", b"\0\0\0\x18ftypmp42" + bytes(99)])
def test_what_is_no_video_is_an_answer_not_an_accident(
    tmp_path: Path, own: Config, content: bytes
) -> None:
    path = tmp_path / "x.mp4"
    path.write_bytes(content)

    assert read(path, own).state in ("Invalid", "absent")


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (ec.generate_private_key(ec.SECP384R1()), "ES384"),
        (rsa.generate_private_key(65537, 2048), "PS256"),
        (ed25519.Ed25519PrivateKey.generate(), "ED25519"),
    ],
    ids=["P-384", "RSA", "Ed25519"],
)
def test_an_operators_certificate_signs_with_its_own_kind_of_key(
    video: Path, operators: Operators, authority: Pair, key: Key, algorithm: str
) -> None:
    config = operators(issue("Example Media", authority, key=key), authority)

    said = sign_video(video, order(config), NOW)

    assert open_identity(config, NOW).algorithm == algorithm
    assert (said.state, said.signer) == ("Trusted", "Example Media")


def test_another_customer_of_the_same_authority_is_not_us(
    video: Path, operators: Operators, authority: Pair
) -> None:
    sign_video(video, order(operators(issue("Somebody else", authority), authority)), NOW)
    ours = open_identity(operators(issue("Example Media", authority), authority), NOW)

    said = read_credentials(video, ours.anchors)

    assert said.state == "Trusted"
    assert said.binding is not None
    assert unlike(said, said.binding, ours) == ("'Somebody else' signed it, not 'Example Media'")


def test_the_same_film_of_a_job_keeps_its_bytes(video: Path, own: Config, film: bytes) -> None:
    sign_video(video, order(own), NOW)
    earlier = video.rename(video.with_name("earlier.mp4"))
    video.write_bytes(film)
    again = order(own).model_copy(update={"earlier": str(earlier)})

    sign_video(video, again, NOW)

    assert video.read_bytes() == earlier.read_bytes()


@pytest.mark.parametrize("spoilt", ["other facts", "other title", "other wishes", "damaged"])
def test_an_earlier_video_that_is_not_the_same_is_signed_anew(
    video: Path, own: Config, film: bytes, spoilt: str
) -> None:
    sign_video(video, order(own, job_id=8) if spoilt == "other facts" else order(own), NOW)
    earlier = video.rename(video.with_name("earlier.mp4"))
    if spoilt == "damaged":
        earlier.write_bytes(earlier.read_bytes()[:-1])
    video.write_bytes(film)
    again = order(own).model_copy(update={"earlier": str(earlier)})
    if spoilt == "other title":
        again = again.model_copy(update={"title": "Another"})
    elif spoilt == "other wishes":
        config = own.model_copy(update={"training": "allowed"})
        again = again.model_copy(update={"config": config})

    said = sign_video(video, again, NOW)

    assert said.state == "Trusted"
    assert (said.title, said.training) == (again.title, training(again))
    assert video.read_bytes() != earlier.read_bytes()


def test_a_video_that_cannot_be_signed_stays_as_it_was(tmp_path: Path, own: Config) -> None:
    path = tmp_path / "x.mp4"
    path.write_bytes(b"no video")

    with pytest.raises((OperatorNeeded, BookAIError)):
        sign_video(path, order(own), NOW)

    assert os.listdir(tmp_path) == ["x.mp4"]


@pytest.fixture
def small_disk(tmp_path: Path, film: bytes) -> Path:
    """A file system that holds one film and a half."""
    folder = tmp_path / "disk"
    folder.mkdir()
    size = len(film) * 3 // 2
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)],
        capture_output=True,
        timeout=10,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("a small file system can only be mounted by root")
    return folder


def test_a_full_disk_is_told_as_one_and_leaves_nothing(
    small_disk: Path, own: Config, film: bytes
) -> None:
    path = small_disk / "video.mp4"
    path.write_bytes(film)
    try:
        with pytest.raises(OSError, match="No space left"):
            sign_video(path, order(own), NOW)

        assert os.listdir(small_disk) == ["video.mp4"]
    finally:
        subprocess.run(["umount", str(small_disk)], check=True, timeout=10)


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("https://example.org/a?b=c#d", "https://example.org/a?b=c"),
        ("https://user:secret@example.org:8443/a", "https://example.org:8443/a"),
        ("/home/ada/article.md", ""),
        ("file:///home/ada/article.md", ""),
        ("https://[broken", ""),
        ("", ""),
    ],
)
def test_no_path_and_no_password_gets_into_a_video(url: str, public: str) -> None:
    assert public_url(url) == public


def test_the_facts_have_no_place_for_a_person() -> None:
    assert set(Binding.model_fields) == {
        *("job_id", "source_url", "article_sha256", "paid_promotion", "draft_kind"),
        *("writer", "voice", "unsigned_sha256"),
    }


async def test_reading_in_threads_at_once_does_not_mix_anchors(video: Path, own: Config) -> None:
    sign_video(video, order(own), NOW)
    anchors = open_identity(own, NOW).anchors

    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(
                asyncio.to_thread(read_credentials, video, anchors if n % 2 else None)
            )
            for n in range(16)
        ]

    assert [task.result().state for task in tasks] == ["Valid", "Trusted"] * 8
