import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from tools.checks.probe import judge_order, judge_thumbnail, read_probe, top_atoms


def atom(name: str, size: int = 16) -> bytes:
    return struct.pack(">I4s", size, name.encode()) + bytes(size - 8)


def write(folder: Path, *parts: bytes) -> Path:
    path = folder / "v.mp4"
    path.write_bytes(b"".join(parts))
    return path


def test_the_parts_of_a_file_are_read_in_order(tmp_path: Path) -> None:
    wide = struct.pack(">I4sQ", 1, b"mdat", 40) + bytes(24)
    to_the_end = struct.pack(">I4s", 0, b"free") + bytes(9)

    path = write(tmp_path, atom("ftyp"), atom("moov"), wide, to_the_end)

    assert top_atoms(path) == ("ftyp", "moov", "mdat", "free")


@pytest.mark.parametrize(
    "broken", [b"abc", struct.pack(">I4s", 4, b"moov"), struct.pack(">I4s", 99, b"moov")]
)
def test_parts_that_do_not_add_up_are_an_error(tmp_path: Path, broken: bytes) -> None:
    path = write(tmp_path, atom("ftyp"), broken)

    with pytest.raises(ValueError, match="its"):
        top_atoms(path)
    assert not judge_order(path).ok


@pytest.mark.parametrize(
    ("order", "ok"),
    [
        (("ftyp", "moov", "mdat"), True),
        (("ftyp", "mdat", "moov"), False),
        (("ftyp", "mdat"), False),
    ],
)
def test_players_can_start_early_only_with_the_index_first(
    tmp_path: Path, order: tuple[str, ...], ok: bool
) -> None:
    assert judge_order(write(tmp_path, *map(atom, order))).ok is ok


def test_a_playlist_in_disguise_reads_no_other_file(tmp_path: Path) -> None:
    (tmp_path / "other.ts").write_bytes(bytes(188))
    playlist = write(
        tmp_path, b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/other.ts\n#EXT-X-ENDLIST\n"
    )

    with pytest.raises(ValueError, match="not readable"):
        read_probe(playlist)


@pytest.mark.parametrize(
    ("size", "kind", "ok"),
    [
        ((1080, 1920), "JPEG", True),
        ((540, 960), "PNG", True),
        ((1920, 1080), "JPEG", False),
        ((540, 960), "GIF", False),
    ],
)
def test_a_thumbnail_is_a_picture_of_the_videos_shape(
    tmp_path: Path, size: tuple[int, int], kind: str, ok: bool
) -> None:
    path = tmp_path / "thumbnail.jpg"
    Image.new("RGB", size).save(path, kind)

    assert judge_thumbnail(path, (1080, 1920)).ok is ok


def test_half_a_thumbnail_is_not_readable(tmp_path: Path) -> None:
    path = tmp_path / "thumbnail.jpg"
    Image.effect_noise((540, 960), 90).save(path)
    path.write_bytes(path.read_bytes()[:9000])

    assert "not readable" in judge_thumbnail(path, (1080, 1920)).detail


@pytest.mark.parametrize("size", [(9000, 12_000), (4000, 7112)])
def test_a_thumbnail_too_large_is_not_decoded(tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "thumbnail.png"
    head = b"IHDR" + struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk)

    assert not judge_thumbnail(path, (1080, 1920)).ok
