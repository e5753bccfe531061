"""The table of platforms: strict, sourced, and the page is what it says."""

from pathlib import Path

import pytest

from tools.checks.platforms import conforms, read_specs, reference, safe_box
from tools.checks.probe import Probe, judge_amount
from tools.render.layout import Layout, Size

ROOT = Path(__file__).resolve().parents[3]
GOOD = Probe(
    container="mov,mp4",
    streams=("video", "audio"),
    video_codec="h264",
    profile="High",
    pix_fmt="yuv420p",
    width=1080,
    height=1920,
    fps=30.0,
    audio_codec="aac",
    sample_rate=48_000,
    channels=2,
    duration_s=30.0,
    video_start_s=0.0,
    audio_start_s=0.0,
    video_length_s=30.0,
    audio_length_s=30.0,
)


def probe(**changes: object) -> Probe:
    return Probe(**{**{name: getattr(GOOD, name) for name in GOOD.__slots__}, **changes})


def test_the_page_says_what_the_table_says() -> None:
    page = (ROOT / "docs/reference/platform-specs.md").read_text(encoding="utf-8")

    # To renew it: python -m tools.checks.platforms > docs/reference/platform-specs.md
    assert page == reference()


def test_our_usual_video_goes_everywhere_but_where_it_is_too_large() -> None:
    platforms = read_specs().platforms

    refused = {name for name in platforms if not conforms(GOOD, 6_000_000, name, clean=True).ok}

    assert refused == {"x"}
    assert "1080x1920" in conforms(GOOD, 6_000_000, "x").detail


@pytest.mark.parametrize(
    ("name", "changes", "told"),
    [
        ("youtube", {"duration_s": 181.0}, "181.0 s (limit 0 to 180)"),
        ("youtube", {"width": 1920, "height": 1080}, "1.78 times as wide as high"),
        ("facebook", {"duration_s": 2.0}, "2.0 s (limit 3 to 90)"),
        ("facebook", {"width": 360, "height": 640}, "360x640 (limit 540x960 or more)"),
        ("tiktok", {"fps": 15.0}, "15 frames a second (limit 23 to 60)"),
        ("instagram", {"video_codec": "av1"}, "av1 (limit h264 / hevc)"),
        ("x", {"width": 720, "height": 1280, "audio_codec": "opus"}, "opus (limit aac)"),
    ],
)
def test_each_limit_that_is_passed_is_told_with_its_value(
    name: str, changes: dict[str, object], told: str
) -> None:
    finding = conforms(probe(**changes), 1_000_000, name)

    assert (finding.ok, finding.check) == (False, f"platform_{name}")
    assert told in finding.detail


def test_a_file_too_large_is_told() -> None:
    assert "11.0 MB (limit 10)" in conforms(GOOD, 11_000_000, "discord").detail


def test_where_overlays_are_forbidden_a_clean_variant_must_be_there() -> None:
    without = {name for name in read_specs().platforms if not conforms(GOOD, 1, name).ok}

    assert without == {"tiktok", "x"}
    assert "no clean variant" in conforms(GOOD, 1, "tiktok").detail
    assert conforms(GOOD, 1, "tiktok", clean=True).ok


def test_an_operators_own_platform_takes_everything() -> None:
    assert conforms(GOOD, 6_000_000, "my_server").ok


@pytest.mark.parametrize("size", [(1080, 1920), (1080, 1080), (1920, 1080), (360, 640)])
def test_the_layout_writes_only_where_no_platform_covers_it(size: tuple[int, int]) -> None:
    x, y, width, height = safe_box(*size)
    layout = Layout(Size(width=size[0], height=size[1]))

    for box in (layout.header, layout.stage, layout.notice, layout.captions):
        assert x <= box[0]
        assert y <= box[1]
        assert box[0] + box[2] <= x + width
        assert box[1] + box[3] <= y + height


@pytest.mark.parametrize(
    "changes", [{"width": 16_000, "height": 16_000}, {"duration_s": 9e9}, {"width": 0}]
)
def test_more_than_a_video_of_ours_has_is_not_decoded(changes: dict[str, object]) -> None:
    finding = judge_amount(probe(**changes))

    assert finding is not None
    assert "not decoded" in finding.detail
    assert judge_amount(GOOD) is None
