"""Only what lies in the operator's folder, is a picture or clip, and has a licence comes in."""

import hashlib
import os
from pathlib import Path

import pytest
from PIL import Image

from bookai.errors import OperatorNeeded, Refused
from bookai.film.material import Media
from tools.media.intake import Offered, keep, media_folder, take_in


@pytest.fixture
def allowed(tmp_path: Path) -> Path:
    folder = (tmp_path / "pictures").resolve()
    (folder / "sub").mkdir(parents=True)
    Image.new("RGB", (300, 200), "teal").save(folder / "harbour.png")
    Image.new("RGB", (300, 200), "navy").save(folder / "sub" / "night.JPG", "JPEG")
    return folder


@pytest.fixture
def job(tmp_path: Path) -> Path:
    return tmp_path.resolve() / "work" / "7"


def offered(path: str, licence: str = "CC BY 4.0") -> Offered:
    return Offered(path=path, words="The harbour", licence=licence, credit="A. Person")


def test_a_picture_is_copied_under_the_name_of_its_bytes(allowed: Path, job: Path) -> None:
    sha256 = hashlib.sha256((allowed / "harbour.png").read_bytes()).hexdigest()

    (media,) = take_in(job, [offered("harbour.png")], allowed)

    assert media == Media(
        kind="image",
        path=str(job / "media" / f"{sha256[:24]}.png"),
        sha256=sha256,
        words="The harbour",
        licence="CC BY 4.0",
        credit="A. Person",
        origin="operator",
    )
    assert Path(media.path).read_bytes() == (allowed / "harbour.png").read_bytes()


def test_the_order_is_kept_and_the_same_file_is_one_file(allowed: Path, job: Path) -> None:
    names = ["sub/night.JPG", "harbour.png", "./sub/../harbour.png"]

    taken = take_in(job, [offered(name) for name in names], allowed)

    assert [Path(media.path).suffix for media in taken] == [".jpg", ".png", ".png"]
    assert len(list((job / "media").iterdir())) == 2


@pytest.mark.parametrize("licence", ["", "   ", "\n"])
def test_no_licence_no_picture(allowed: Path, job: Path, licence: str) -> None:
    with pytest.raises(Refused, match="licence"):
        take_in(job, [offered("harbour.png", licence)], allowed)


@pytest.mark.parametrize(
    "path", ["../secret.png", "/etc/passwd", "sub", ".", "gone.png", "a\0b", "x" * 900, "sub/../.."]
)
def test_a_path_that_leads_elsewhere_is_refused(allowed: Path, job: Path, path: str) -> None:
    Image.new("RGB", (300, 200)).save(allowed.parent / "secret.png")

    with pytest.raises(Refused):
        take_in(job, [offered(path)], allowed)
    assert list((job / "media").iterdir()) == []


def test_a_link_out_of_the_folder_is_refused_and_one_within_is_followed(
    allowed: Path, job: Path
) -> None:
    Image.new("RGB", (300, 200)).save(allowed.parent / "secret.png")
    (allowed / "out.png").symlink_to(allowed.parent / "secret.png")
    (allowed / "up").symlink_to(allowed.parent)
    (allowed / "in.png").symlink_to(allowed / "harbour.png")

    assert take_in(job, [offered("in.png")], allowed)
    for path in ("out.png", "up/secret.png"):
        with pytest.raises(Refused, match="folder"):
            take_in(job, [offered(path)], allowed)


def test_a_pipe_is_refused_at_once(allowed: Path, job: Path) -> None:
    os.mkfifo(allowed / "pipe.png")

    with pytest.raises(Refused, match="regular"):
        take_in(job, [offered("pipe.png")], allowed)


def test_a_file_that_cannot_be_shown_is_refused_by_its_own_name(allowed: Path, job: Path) -> None:
    (allowed / "logo.svg").write_text("<svg/>")
    (allowed / "film.mp4").write_text("no clip")

    for name in ("logo.svg", "film.mp4"):
        with pytest.raises(Refused, match=name):
            take_in(job, [offered(name)], allowed)
    assert list((job / "media").iterdir()) == []


def test_what_a_killed_run_left_is_removed(allowed: Path, job: Path) -> None:
    (job / "media").mkdir(parents=True)
    (job / "media" / ".99-half").write_bytes(b"half")

    take_in(job, [offered("harbour.png")], allowed)

    assert [path.suffix for path in (job / "media").iterdir()] == [".png"]


def test_a_folder_of_media_that_is_a_link_is_refused(allowed: Path, job: Path) -> None:
    job.mkdir(parents=True)
    (job / "media").symlink_to(allowed)

    with pytest.raises(Refused, match="link"):
        take_in(job, [offered("harbour.png")], allowed)


def test_bytes_from_the_network_are_kept_the_same_way(allowed: Path, job: Path) -> None:
    content = (allowed / "harbour.png").read_bytes()
    source = offered("https://example.org/harbour.png").model_copy(update={"origin": "source"})

    media = keep(job, content, "harbour.png", source)

    assert (media.origin, Path(media.path).read_bytes()) == ("source", content)
    with pytest.raises(Refused, match="licence"):
        keep(job, content, "harbour.png", source.model_copy(update={"licence": ""}))
    with pytest.raises(Refused, match=r"fake\.png"):
        keep(job, b"<svg/>", "fake.png", source)


def test_without_a_folder_the_operator_is_asked_for_one(job: Path) -> None:
    assert media_folder({}) is None
    with pytest.raises(OperatorNeeded) as caught:
        take_in(job, [offered("harbour.png")], None)
    assert "plugins.media" in caught.value.mend


@pytest.mark.parametrize("table", [{"folder": "/gone/for/ever"}, {"folder": "here"}, {"map": 1}])
def test_a_wrong_table_needs_the_operator(table: dict[str, object]) -> None:
    with pytest.raises(OperatorNeeded, match=r"plugins\.media"):
        media_folder({"media": table})


def test_the_folder_is_returned_resolved(allowed: Path) -> None:
    assert media_folder({"media": {"folder": str(allowed / "sub" / "..")}}) == allowed
