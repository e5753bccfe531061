from pathlib import Path

import pytest

from bookai.errors import Refused
from tools.media.paths import inside, job_folder


def test_a_file_of_the_job_is_returned_resolved(tmp_path: Path) -> None:
    wanted = tmp_path.resolve() / "7" / "video.mp4"

    assert inside(tmp_path, 7, wanted) == wanted
    assert inside(tmp_path, 7, "video.mp4") == wanted
    assert inside(tmp_path, 7, "a/../video.mp4") == wanted


@pytest.mark.parametrize(
    "path", ["../8/video.mp4", "/etc/passwd", "", ".", "a/../..", "bad\0name", "../7/../70/x"]
)
def test_a_path_out_of_the_folder_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(Refused):
        inside(tmp_path, 7, path)


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "secret").write_text("x")
    (tmp_path / "7" / "video.mp4").symlink_to(tmp_path / "secret")

    with pytest.raises(Refused, match="video"):
        inside(tmp_path, 7, "video.mp4")


def test_a_link_in_a_circle_is_refused(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "a").symlink_to(tmp_path / "7" / "b")
    (tmp_path / "7" / "b").symlink_to(tmp_path / "7" / "a")

    with pytest.raises(Refused):
        inside(tmp_path, 7, "a")


def test_a_job_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "7").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(Refused, match="link"):
        job_folder(tmp_path, 7)


@pytest.mark.parametrize("job_id", [0, -1])
def test_a_number_that_no_job_has_is_refused(tmp_path: Path, job_id: int) -> None:
    with pytest.raises(Refused):
        job_folder(tmp_path, job_id)
