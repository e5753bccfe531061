"""results.jsonl survives what the machine does to it."""

from pathlib import Path

import pytest

from bookai.errors import OperatorNeeded, Refused
from studio.batch.ledger import NAME, Ledger
from studio.batch.records import Made

WHOLE = Made(row=1, digest="a", ok=True, files={"0001/video.mp4": "x"})
FAILED = Made(row=2, digest="b", ok=False, error="no")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with Ledger(tmp_path, resume=False) as ledger:
        (tmp_path / "0001").mkdir()
        (tmp_path / "0001" / "video.mp4").touch()
        ledger.write(WHOLE)
        ledger.write(FAILED)
    return tmp_path


def test_a_finished_row_is_kept_and_a_failed_one_is_made_again(folder: Path) -> None:
    with Ledger(folder, resume=True) as ledger:
        assert ledger.finished(1, "a") == WHOLE
        assert ledger.finished(2, "b") is None
        assert ledger.finished(3, "c") is None


def test_a_row_that_changed_or_lost_its_video_is_made_again(folder: Path) -> None:
    with Ledger(folder, resume=True) as ledger:
        assert ledger.finished(1, "other") is None

    (folder / "0001" / "video.mp4").unlink()
    with Ledger(folder, resume=True) as ledger:
        assert ledger.finished(1, "a") is None


def test_the_last_word_on_a_row_counts(folder: Path) -> None:
    with Ledger(folder, resume=True) as ledger:
        ledger.write(FAILED.model_copy(update={"row": 1, "digest": "a"}))

    with Ledger(folder, resume=True) as ledger:
        assert ledger.finished(1, "a") is None


@pytest.mark.parametrize("torn", [b'{"row": 3, "dig', b"\x00" * 40, b"\xff"])
def test_half_a_line_is_cut_off_before_the_next_is_written(folder: Path, torn: bytes) -> None:
    whole = (folder / NAME).read_bytes()
    (folder / NAME).write_bytes(whole + torn)

    with Ledger(folder, resume=True) as ledger:
        ledger.write(FAILED)

    assert (folder / NAME).read_bytes() == whole + FAILED.model_dump_json().encode() + b"\n"


def test_results_are_not_mixed_without_leave(folder: Path) -> None:
    with pytest.raises(Refused, match="--resume"), Ledger(folder, resume=False):
        pass


@pytest.mark.parametrize("resume", [True, False])
@pytest.mark.parametrize("content", [b'{"score": 1}', b'{"score": 1}\n{"score": 2}\n{"sc'])
def test_results_of_others_stay_as_they_are(tmp_path: Path, content: bytes, resume: bool) -> None:
    (tmp_path / NAME).write_bytes(content)

    with pytest.raises(Refused, match="--out DIR"), Ledger(tmp_path, resume=resume):
        pass

    assert (tmp_path / NAME).read_bytes() == content


def test_one_batch_at_a_time_writes_there(folder: Path) -> None:
    with (
        Ledger(folder, resume=True),
        pytest.raises(Refused, match="Another batch"),
        Ledger(folder, resume=True),
    ):
        pass

    with Ledger(folder, resume=True) as ledger:
        assert ledger.finished(1, "a") == WHOLE


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(OperatorNeeded, match="--out DIR"), Ledger(tmp_path / "file", resume=False):
        pass


def test_a_folder_that_holds_something_of_others_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "0001").mkdir()
    (tmp_path / "0001" / "holiday.jpg").touch()

    with pytest.raises(Refused, match="Give a new folder"), Ledger(tmp_path, resume=False):
        pass

    assert (tmp_path / "0001" / "holiday.jpg").exists()
    assert not (tmp_path / NAME).exists()
