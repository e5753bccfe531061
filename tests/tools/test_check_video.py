"""Real small videos, each with one fault: the check finds that fault, and nothing in a good one."""

import asyncio
import io
import shutil
from pathlib import Path

import pytest
from PIL import Image

from bookai.errors import OperatorNeeded, Refused
from bookai.models import CheckReport, Variant, Voiceover, Word
from tests.tools.checks.films import (
    CAPTIONS,
    DISCLOSURE,
    HEIGHT,
    LIMITS,
    SCRIPT,
    WIDTH,
    Film,
    Studio,
    context,
    encode,
    sha256,
)
from tools.check_video import TOOL, check_video
from tools.speak import speak


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("films").resolve()


@pytest.fixture(scope="module")
def spoken(films: Path) -> Voiceover:
    return asyncio.run(speak(context(films, {}), 7, SCRIPT, "espeak"))


@pytest.fixture
def studio(tmp_path: Path, films: Path, spoken: Voiceover) -> Studio:
    return Studio(films, tmp_path.resolve() / "7", spoken)


def bad(report: CheckReport) -> set[str]:
    assert report.ok == all(finding.ok for finding in report.findings)
    return {finding.check for finding in report.findings if not finding.ok}


def detail(report: CheckReport, check: str) -> str:
    return next(finding.detail for finding in report.findings if finding.check == check)


@pytest.mark.parametrize("film", [Film(), Film(dark_on_bright=True)], ids=["night", "paper"])
async def test_a_good_video_passes_every_check(studio: Studio, film: Film) -> None:
    report = await studio.check(studio.make(film))

    assert bad(report) == set()
    assert detail(report, "loudness").endswith("LUFS (limit -14 +- 1)")
    assert {"captions", "disclosure", "sync", "black", "faststart"} <= {
        finding.check for finding in report.findings
    }


@pytest.mark.parametrize(
    ("film", "faults"),
    [
        (Film(black=True), {"black", "still", "captions", "disclosure"}),
        (Film(moving=False, captions="frozen"), {"still", "captions"}),
        (Film(captions="frozen"), {"captions"}),
        (Film(captions="none"), {"captions"}),
        (Film(captions="none", dark_on_bright=True), {"captions"}),
        (Film(captions="three lines"), {"caption_lines"}),
        (Film(captions="too low"), {"captions_clear"}),
        (Film(button=True), {"safe_areas"}),
        (Film(notice=False), {"disclosure"}),
        (Film(gain=0.0), {"silence", "loudness", "sync"}),
        (Film(gain=0.3), {"loudness"}),
        (Film(gain=4.0), {"loudness", "true_peak", "clipping"}),
        (Film(delay_s=0.4), {"sync"}),
        (Film(delay_s=0.4, longer=True), {"sync", "av_length"}),
        (Film(faststart=False), {"faststart"}),
        (Film(fps=10), {"frame_rate"}),
        (Film(length=0.6), {"duration_voice", "captions", "disclosure"}),
    ],
)
async def test_each_fault_is_found_and_nothing_else(
    studio: Studio, film: Film, faults: set[str]
) -> None:
    report = await studio.check(studio.make(film))

    assert bad(report) == faults


async def test_a_video_without_an_offer_needs_no_disclosure(studio: Studio) -> None:
    report = await studio.check(studio.make(Film(notice=False)), disclosure="")

    assert bad(report) == set()


@pytest.mark.parametrize(
    ("platform", "faults"),
    [("youtube", set()), ("my_server", set()), ("tiktok", {"platform_tiktok"})],
)
async def test_the_limits_of_the_platform_are_told(
    studio: Studio, platform: str, faults: set[str]
) -> None:
    ctx = context(studio.folder.parent, {"check_video": LIMITS})
    render = studio.make(Film())

    report = await check_video(
        ctx, 7, render, SCRIPT, studio.voiceover, DISCLOSURE, platform=platform
    )

    assert bad(report) == faults
    # 15 frames a second are too few for some.
    assert not faults or "15 frames a second (limit 23 to 60)" in detail(report, *faults)


async def test_other_formats_are_checked_beside_the_main_one(studio: Studio) -> None:
    render = studio.make(Film())
    good = Path(shutil.copy(render.video_path, studio.folder / "clean.mp4"))
    mute = studio.folder / "mute.mp4"
    encode(Film(gain=0.3, captions="none", notice=False), studio.voiceover, mute)
    others = tuple(
        Variant(
            name=path.stem,
            video_path=str(path),
            sha256=sha256(path),
            width=WIDTH,
            height=HEIGHT,
        )
        for path in (good, mute)
    )

    report = await studio.check(render.model_copy(update={"others": others}))

    assert bad(report) == {"variant_mute"}
    assert "sound: " in detail(report, "variant_mute")
    assert "captions: text seen in 0" in detail(report, "variant_mute")
    assert "disclosure: text seen in 0 of 3" in detail(report, "variant_mute")


async def test_changed_bytes_are_found(studio: Studio) -> None:
    render = studio.make(Film())
    for name in ("video.mp4", "thumbnail.jpg", "captions.vtt"):
        studio.overwrite(name, studio.read(name) + b"\0\0\0\x08free")

    assert bad(await studio.check(render)) == {"sha256", "thumbnail_sha256", "captions_sha256"}


async def test_a_damaged_picture_stream_is_found(studio: Studio) -> None:
    render = studio.make(Film())
    data = bytearray(studio.read("video.mp4"))
    middle = len(data) // 2
    data[middle : middle + 4000] = bytes(4000)
    studio.overwrite("video.mp4", bytes(data))

    assert {"sha256", "decode"} <= bad(await studio.check(render))


@pytest.mark.parametrize("content", [b"", b"no video at all", b"\0\0\0\x18ftypmp42" + bytes(99)])
async def test_a_file_that_is_no_video_is_a_finding(studio: Studio, content: bytes) -> None:
    render = studio.make(Film())
    studio.overwrite("video.mp4", content)

    assert bad(await studio.check(render)) == {"container"}


async def test_a_missing_file_is_named(studio: Studio) -> None:
    render = studio.make(Film())
    studio.overwrite("thumbnail.jpg", None)

    report = await studio.check(render)

    assert bad(report) == {"files"}
    assert "thumbnail.jpg" in detail(report, "files")


async def test_other_numbers_than_promised_are_found(studio: Studio) -> None:
    render = studio.make(Film()).model_copy(update={"width": 1080, "height": 1920, "fps": 30})

    assert bad(await studio.check(render)) == {"size", "frame_rate"}


@pytest.mark.parametrize(
    "marks", [{}, {"captions": (0, 0, 9999, 90)}, {"captions": (-4, 0, 90, 90)}]
)
async def test_marks_that_say_nothing_are_found(
    studio: Studio, marks: dict[str, tuple[int, int, int, int]]
) -> None:
    render = studio.make(Film()).model_copy(update={"marks": marks})

    assert bad(await studio.check(render)) == {"marks", "captions", "disclosure"}


async def test_a_render_that_forgets_the_disclosures_box_is_found(studio: Studio) -> None:
    render = studio.make(Film()).model_copy(update={"marks": {"captions": CAPTIONS}})

    assert bad(await studio.check(render)) == {"disclosure"}


async def test_a_wrong_thumbnail_and_empty_subtitles_are_found(studio: Studio) -> None:
    render = studio.make(Film())
    wide = io.BytesIO()
    Image.new("RGB", (640, 360)).save(wide, "PNG")
    changed = render.model_copy(
        update={
            "thumbnail_sha256": studio.overwrite("thumbnail.jpg", wide.getvalue()),
            "captions_sha256": studio.overwrite("captions.vtt", b"WEBVTT\n"),
        }
    )

    assert bad(await studio.check(changed)) == {"thumbnail", "captions_file"}


@pytest.mark.parametrize("odd_s", [float("nan"), float("inf"), -5.0, 1e12])
async def test_words_at_impossible_times_are_findings_not_accidents(
    studio: Studio, odd_s: float
) -> None:
    words = [Word(text="lost", line=0, start_s=odd_s, end_s=odd_s)] * 9
    studio.voiceover = studio.voiceover.model_copy(
        update={"words": tuple(words), "duration_s": odd_s}
    )

    assert {"duration_voice", "captions"} <= bad(await studio.check(studio.make(Film())))


async def test_a_word_of_ten_thousand_letters_and_every_sign_are_looked_for(studio: Studio) -> None:
    texts = [
        "a" * 10_000,
        "\u202eevil\u202c",
        "<b>&amp;",
        "{\\an8}",
        "🜁",
        "\ufffd",
        "\0",
        "字" * 500,
    ]
    words = tuple(Word(text=text, line=0, start_s=k, end_s=k + 1) for k, text in enumerate(texts))
    render = studio.make(Film())
    studio.voiceover = studio.voiceover.model_copy(update={"words": words})

    assert "captions_file" in bad(await studio.check(render))


async def test_more_words_than_can_be_spoken_are_not_looked_for(studio: Studio) -> None:
    render = studio.make(Film())
    word = studio.voiceover.words[0]
    studio.voiceover = studio.voiceover.model_copy(update={"words": (word,) * 5001})

    assert "5001 words are too many" in detail(await studio.check(render), "captions_file")


async def test_a_path_out_of_the_jobs_folder_is_refused(studio: Studio) -> None:
    render = studio.make(Film()).model_copy(update={"video_path": "/etc/passwd"})

    with pytest.raises(Refused, match="passwd"):
        await studio.check(render)

    other = Variant(name="o", video_path="../8/v.mp4", sha256="", width=1080, height=1920)
    with pytest.raises(Refused, match="8"):
        await studio.check(studio.make(Film()).model_copy(update={"others": (other,)}))


async def test_wrong_settings_need_the_operator(studio: Studio) -> None:
    render = studio.make(Film())
    ctx = context(studio.folder.parent, {"check_video": {"width": "wide"}})

    with pytest.raises(OperatorNeeded) as caught:
        await check_video(ctx, 7, render, SCRIPT, studio.voiceover, DISCLOSURE)

    assert caught.value.mend


def test_the_tool_keeps_the_contract() -> None:
    assert (TOOL.name, TOOL.scope, TOOL.timeout_s) == ("check_video", "agent", 180)
