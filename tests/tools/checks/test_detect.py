from pathlib import Path

import pytest

from tools.checks.detect import Crop, detector_arguments, judge_measured, read_log
from tools.checks.limits import Limits

SUMMARY = (
    "[Parsed_ebur128_0 @ 0x1] Summary:",
    "Integrated loudness:",
    "I:         -14.2 LUFS",
    "True peak:",
    "Peak:       -1.1 dBFS",
)
LOG = (
    "[blackdetect @ 0x1] black_start:0 black_end:1.2 black_duration:1.2",
    "[freezedetect @ 0x1] lavfi.freezedetect.freeze_start: 2.5",
    "[freezedetect @ 0x1] lavfi.freezedetect.freeze_duration: 1.5",
    "[freezedetect @ 0x1] lavfi.freezedetect.freeze_end: 4",
    "[freezedetect @ 0x1] lavfi.freezedetect.freeze_start: 8",
    "[silencedetect @ 0x1] silence_start: -0.01",
    "[silencedetect @ 0x1] silence_end: 0.7 | silence_duration: 0.71",
    "[h264 @ 0x1] error while decoding MB 3 4, bytestream -7",
    *SUMMARY,
)


def test_the_detectors_lines_are_read_and_an_open_stretch_lasts_to_the_end() -> None:
    measured = read_log(LOG, 10.0)

    assert measured.black == ((0.0, 1.2),)
    assert measured.still == ((2.5, 4.0), (8.0, 10.0))
    assert measured.silent == ((0.0, 0.7),)
    assert (measured.loudness_lufs, measured.true_peak_dbtp) == (-14.2, -1.1)
    assert len(measured.complaints) == 1


def test_complete_silence_is_measured_as_minus_infinity() -> None:
    measured = read_log((SUMMARY[0], "I: -70.0 LUFS", "Peak: -inf dBFS"), 10.0)

    judged = {finding.check: finding for finding in judge_measured(measured, 10.0, Limits())}

    assert not judged["loudness"].ok
    assert judged["true_peak"].ok


def test_a_log_without_loudness_is_no_measurement() -> None:
    with pytest.raises(ValueError, match="loudness"):
        read_log(LOG[:-5], 10.0)


def test_every_finding_names_its_value_and_its_limit() -> None:
    judged = {f.check: f for f in judge_measured(read_log(LOG, 10.0), 10.0, Limits())}

    assert judged["loudness"].detail == "-14.2 LUFS (limit -14 +- 1.5)"
    assert judged["black"].detail == "longest black stretch 1.2 s (limit 0.5 s)"
    assert not judged["black"].ok
    assert not judged["decode"].ok
    assert all("limit" in finding.detail for finding in judged.values())


def test_stills_that_together_fill_the_video_fail() -> None:
    log = [
        line
        for begin in range(0, 30, 4)
        for line in (f"freeze_start: {begin}", f"freeze_end: {begin + 3.5}")
    ]

    judged = {f.check: f for f in judge_measured(read_log((*log, *SUMMARY), 32.0), 32.0, Limits())}

    assert not judged["still"].ok
    assert "88%" in judged["still"].detail


def test_the_graph_reads_only_files_and_has_one_pass() -> None:
    arguments = detector_arguments(
        Path("/job/a 'b':%.mp4"), [30, 10, 30], Crop(2, 4, 6, 8), Path("/tmp/out")
    )

    assert arguments[arguments.index("-i") + 1] == "/job/a 'b':%.mp4"
    assert arguments[arguments.index("-protocol_whitelist") + 1] == "file"
    assert arguments.count("-i") == 1
    assert "crop=6:8:2:4" in arguments[arguments.index("-filter_complex") + 1]


def test_without_frames_nothing_is_written() -> None:
    assert "/tmp/out" not in detector_arguments(
        Path("/job/v.mp4"), [], Crop(0, 0, 8, 8), Path("/tmp/out")
    )
