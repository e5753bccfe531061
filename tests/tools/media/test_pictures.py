"""Pictures that a stranger could hand us: shown right, or refused with what to do."""

import io
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from bookai.errors import Refused
from tools.media.pictures import fit_planes, load_picture, look_at_picture, open_picture

RED, BLUE = (220, 30, 20), (20, 30, 220)


def halves(size: tuple[int, int] = (400, 300)) -> Image.Image:
    """Red above, blue below."""
    image = Image.new("RGB", size, RED)
    image.paste(BLUE, (0, size[1] // 2, *size))
    return image


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def written(folder: Path, content: bytes, name: str = "photo.jpg") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def near(found: object, wanted: tuple[int, ...], slack: int = 6) -> bool:
    return bool(np.abs(np.subtract(np.asarray(found, int), wanted)).max() <= slack)


def png_head(width: int, height: int) -> bytes:
    """A PNG that says it is that large; what follows is 40 bytes of zeros packed."""
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(bytes(40))
    chunks = [body, data, b"IEND"]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        for chunk in chunks
    )


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_each_kind_is_opened_as_rgb_in_its_size(tmp_path: Path, kind: str) -> None:
    image = open_picture(written(tmp_path, saved(halves(), kind)))

    assert (image.mode, image.size) == ("RGB", (400, 300))
    assert near(image.getpixel((200, 20)), RED, 20)
    assert near(image.getpixel((200, 280)), BLUE, 20)


def test_the_first_picture_of_an_animation_is_shown(tmp_path: Path) -> None:
    film = [Image.new("RGB", (200, 200), colour) for colour in (RED, BLUE, BLUE)]
    content = saved(film[0], "GIF", save_all=True, append_images=film[1:])

    assert near(open_picture(written(tmp_path, content)).getpixel((9, 9)), RED)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_picture_is_turned_the_way_it_was_taken(tmp_path: Path, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera lay on its side: turn it by 90 degrees
    image = open_picture(written(tmp_path, saved(halves(), kind, exif=exif)))

    assert image.size == (300, 400)
    assert near(image.getpixel((280, 200)), RED, 20)


def test_another_colour_space_becomes_srgb(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    plain = open_picture(written(tmp_path, saved(halves(), "PNG", icc_profile=profile)))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    kept = open_picture(written(tmp_path, saved(halves(), "PNG", icc_profile=srgb)))

    # A profile that does not fit a picture counts as none; the right one changes nothing.
    assert near(plain.getpixel((9, 9)), RED)
    assert near(kept.getpixel((9, 9)), RED)


@pytest.mark.parametrize("profile", [b"nonsense", bytes(200), b"\xff" * 5_000])
def test_a_broken_profile_counts_as_none(tmp_path: Path, profile: bytes) -> None:
    image = open_picture(written(tmp_path, saved(halves(), "JPEG", icc_profile=profile)))

    assert near(image.getpixel((9, 9)), RED, 20)


def test_print_colours_become_screen_colours(tmp_path: Path) -> None:
    image = open_picture(written(tmp_path, saved(halves().convert("CMYK"), "JPEG")))

    assert image.mode == "RGB"
    assert near(image.getpixel((9, 9)), RED, 25)


def test_a_grey_of_16_bits_keeps_its_tones(tmp_path: Path) -> None:
    ramp = np.tile(np.linspace(0, 65535, 256).astype(np.uint16), (200, 1))
    image = open_picture(written(tmp_path, saved(Image.fromarray(ramp), "PNG")))

    assert near(image.getpixel((128, 9)), (128, 128, 128))


@pytest.mark.parametrize(("ink", "light"), [((250, 250, 250), False), ((10, 10, 10), True)])
def test_what_is_see_through_lies_over_a_ground_that_it_stands_out_from(
    tmp_path: Path, ink: tuple[int, int, int], light: bool
) -> None:
    logo = Image.new("RGBA", (300, 300), (0, 0, 0, 0))
    logo.paste((*ink, 255), (100, 100, 200, 200))
    image = open_picture(written(tmp_path, saved(logo, "PNG")))
    corner = image.getpixel((5, 5))

    assert near(image.getpixel((150, 150)), ink)
    assert isinstance(corner, tuple)
    assert (corner[0] > 200) is light


def test_a_large_photo_is_brought_to_a_working_size(tmp_path: Path) -> None:
    image = open_picture(written(tmp_path, saved(Image.new("RGB", (6000, 4400), RED), "JPEG")))

    assert image.size == (3000, 2200)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "I;16"])
def test_a_picture_made_smaller_in_bands_has_no_seams(tmp_path: Path, mode: str) -> None:
    flat = Image.new(mode, (4330, 4400), 30_000 if mode == "I;16" else 1)
    image = open_picture(written(tmp_path, saved(flat, "PNG", compress_level=1)))

    assert image.size == (2165, 2200)
    assert len(image.getcolors(9) or ()) == 1


def test_a_long_narrow_picture_is_made_smaller_too(tmp_path: Path) -> None:
    image = open_picture(written(tmp_path, saved(Image.new("RGB", (9000, 2400), RED), "PNG")))

    assert image.size == (4500, 1200)


_NEEDED = """
import sys
from pathlib import Path
import tools.render._worker
from tools.media.pictures import load_picture
load_picture(Path(sys.argv[1]))
# Not ru_maxrss: a child's begins with the peak of whoever started it.
status = Path("/proc/self/status").read_text()
print(int(status.split("VmHWM:")[1].split()[0]) // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_largest_see_through_picture_needs_less_than_500_mib(tmp_path: Path) -> None:
    path = written(tmp_path, saved(Image.new("RGBA", (7000, 7000)), "PNG", compress_level=1))
    run = (sys.executable, "-c", _NEEDED, str(path))

    needed = subprocess.run(run, capture_output=True, check=True, timeout=60, text=True).stdout

    assert int(needed) < 500


@pytest.mark.parametrize(("kind", "mode"), [("WEBP", "RGB"), ("JPEG", "CMYK")])
def test_what_is_costly_to_decode_has_a_lower_limit(tmp_path: Path, kind: str, mode: str) -> None:
    content = saved(Image.new(mode, (6000, 5400)), kind, quality=1, method=0)

    with pytest.raises(Refused, match=r"6000x5400; limit (16|32) million"):
        look_at_picture(written(tmp_path, content))


@pytest.mark.parametrize("size", [(20_000, 20_000), (16_001, 300), (9_000, 9_000)])
def test_a_picture_too_large_is_refused_by_its_head(tmp_path: Path, size: tuple[int, int]) -> None:
    path = written(tmp_path, png_head(*size), "wall.png")

    with pytest.raises(Refused, match=r"wall\.png.*too large.*save it smaller"):
        open_picture(path)


@pytest.mark.parametrize("size", [(1, 1), (159, 4000)])
def test_a_picture_too_small_to_show_is_refused(tmp_path: Path, size: tuple[int, int]) -> None:
    with pytest.raises(Refused, match="blur"):
        look_at_picture(written(tmp_path, saved(Image.new("RGB", size), "PNG")))


@pytest.mark.parametrize(
    "head",
    [b"<svg xmlns='x'>", b"<?xml version='1.0'?><!DOCTYPE svg [<!ENTITY a 'b'>]>", b"\n<SVG"],
)
def test_a_drawing_program_is_never_run(tmp_path: Path, head: bytes) -> None:
    with pytest.raises(Refused, match=r"logo\.svg.*export it as PNG"):
        open_picture(written(tmp_path, head + b"<use href='file:///etc/passwd'/>", "logo.svg"))


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"%!PS-Adobe", b"BM" + bytes(60), bytes(999)])
def test_another_kind_of_file_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(Refused, match=r"photo\.jpg"):
        open_picture(written(tmp_path, content))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_file_that_breaks_off_is_refused(tmp_path: Path, kind: str) -> None:
    content = saved(Image.effect_noise((400, 400), 90), kind)

    with pytest.raises(Refused, match=r"photo\.jpg.*(cut off|damaged)"):
        open_picture(written(tmp_path, content[: len(content) // 2]))


def test_a_pipe_a_folder_and_nothing_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    for path in (tmp_path / "pipe", tmp_path, tmp_path / "gone.png", tmp_path / "a\0b"):
        with pytest.raises(Refused):
            open_picture(path)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    kind=st.sampled_from(["PNG", "JPEG", "WEBP", "GIF"]),
    changes=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=12),
    keep=st.floats(0.01, 1.0),
)
def test_whatever_the_damage_the_answer_is_a_picture_or_a_refusal(
    tmp_path_factory: pytest.TempPathFactory,
    kind: str,
    changes: list[tuple[float, int]],
    keep: float,
) -> None:
    content = bytearray(saved(halves((170, 170)), kind))
    for place, value in changes:
        content[int(place * len(content))] = value
    path = written(tmp_path_factory.getbasetemp(), bytes(content[: int(len(content) * keep)]))

    try:
        outcome = open_picture(path).mode
    except Refused as refused:
        outcome = str(refused)

    assert outcome == "RGB" or "photo.jpg" in outcome


@pytest.mark.parametrize(
    ("colour", "planes"),
    [
        ((255, 255, 255), (235, 128, 128)),
        ((0, 0, 0), (16, 128, 128)),
        ((255, 0, 0), (63, 102, 240)),
    ],
)
def test_colours_are_bt709_in_limited_range(
    colour: tuple[int, int, int], planes: tuple[int, int, int]
) -> None:
    frame = fit_planes(Image.new("RGB", (300, 300), colour), 64, 96)

    assert (frame.y[9, 9], frame.u[9, 9], frame.v[9, 9]) == planes


def test_the_planes_cover_the_box_and_its_margin_in_even_numbers() -> None:
    frame = fit_planes(halves((1000, 300)), 271, 480, extra=(33, 0))

    assert frame.y.shape == (480, 304)
    assert frame.u.shape == frame.v.shape == (240, 152)


def test_what_stands_out_stays_in_sight(tmp_path: Path) -> None:
    photo = Image.new("RGB", (1600, 500), (90, 110, 90))
    photo.paste(RED, (1150, 120, 1290, 380))
    picture = load_picture(written(tmp_path, saved(photo, "PNG")))

    frame = picture.planes(280, 500)

    # The red block lies wholly in a crop that is far narrower than the photo.
    assert (frame.v > 180).any(axis=0).sum() == pytest.approx(70, abs=3)


def test_a_tall_picture_is_cropped_to_its_upper_part() -> None:
    tall = Image.new("RGB", (300, 900), (120, 120, 120))

    frame = fit_planes(Image.blend(tall, halves((300, 900)), 0.05), 300, 300)

    assert (frame.v > frame.u).mean() > 0.6
