"""Files: the very bytes, in ranges, of this post and of no other."""

import os
from pathlib import Path
from typing import Any

import pytest

from bookai.db import approvals
from tests.studio.web.conftest import CAPTIONS, THUMBNAIL, VIDEO, House


async def job_of(house: House, number: int) -> tuple[int, Path]:
    approval = await approvals.get(house.office.database.pool, number)
    return approval.job_id, Path(approval.video_path)


async def repoint(house: House, job_id: int, **render: Any) -> None:
    """Let the job's record name other files, as a fault or an intruder might."""
    for name, path in render.items():
        await house.office.database.pool.execute(
            "UPDATE video_jobs SET record = jsonb_set(record, ARRAY['render', $2], $3)"
            " WHERE job_id = $1",
            job_id,
            name,
            path,
        )


async def test_a_film_is_sent_whole_and_in_ranges(house: House) -> None:
    number = await house.ask()
    async with house.signed_in() as browser:
        whole = await browser.get(f"/approvals/{number}/video")
        part = await browser.get(f"/approvals/{number}/video", headers={"range": "bytes=100-199"})
        tail = await browser.get(f"/approvals/{number}/video", headers={"range": "bytes=-10"})
        beyond = await browser.get(
            f"/approvals/{number}/video", headers={"range": "bytes=99999999-"}
        )
        head = await browser.head(f"/approvals/{number}/video")

    assert (whole.status_code, whole.content) == (200, VIDEO)
    assert whole.headers["content-type"] == "video/mp4"
    assert whole.headers["accept-ranges"] == "bytes"
    assert (part.status_code, part.content) == (206, VIDEO[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(VIDEO)}"
    assert (tail.status_code, tail.content) == (206, VIDEO[-10:])
    assert beyond.status_code == 416
    assert (head.status_code, head.content) == (200, b"")


async def test_thumbnail_and_captions_have_their_types(house: House) -> None:
    number = await house.ask()
    async with house.signed_in() as browser:
        thumbnail = await browser.get(f"/approvals/{number}/thumbnail")
        captions = await browser.get(f"/approvals/{number}/captions")

    assert (thumbnail.content, thumbnail.headers["content-type"]) == (THUMBNAIL, "image/jpeg")
    assert captions.content == CAPTIONS
    assert captions.headers["content-type"].startswith("text/vtt")


async def test_no_file_outside_the_jobs_folder_is_sent(house: House, tmp_path: Path) -> None:
    number = await house.ask()
    job_id, video = await job_of(house, number)
    outside = tmp_path / "thumbnail.jpg"
    outside.write_bytes(THUMBNAIL)
    video.with_name("link.jpg").symlink_to(outside)
    async with house.signed_in() as browser:
        for path in (str(outside), "../thumbnail.jpg", str(video.with_name("link.jpg"))):
            await repoint(house, job_id, thumbnail_path=path)
            answer = await browser.get(f"/approvals/{number}/thumbnail")
            assert (answer.status_code, answer.content == THUMBNAIL) == (404, False)


async def test_no_file_of_another_job_is_sent(house: House) -> None:
    first, second = await house.ask(), await house.ask()
    _, video = await job_of(house, first)
    job_id, _ = await job_of(house, second)
    await repoint(house, job_id, thumbnail_path=str(video.with_name("thumbnail.jpg")))
    async with house.signed_in() as browser:
        answer = await browser.get(f"/approvals/{second}/thumbnail")

    assert answer.status_code == 404


@pytest.mark.parametrize("what", ["gone", "changed", "folder", "pipe", "page"])
async def test_only_the_very_bytes_that_were_asked_about_are_shown(house: House, what: str) -> None:
    number = await house.ask()
    _, video = await job_of(house, number)
    async with house.signed_in() as browser:
        # Shown once, so that what is remembered of it would show here.
        assert (await browser.get(f"/approvals/{number}/video")).status_code == 200
        content = bytearray(video.read_bytes())
        video.unlink()
        match what:
            case "changed":
                content[500] ^= 1
                video.write_bytes(content)
            case "folder":
                video.mkdir()
            case "pipe":
                os.mkfifo(video)
            case "page":
                video.write_text("<script>alert(1)</script>")
        answer = await browser.get(f"/approvals/{number}/video")

    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")


async def test_there_are_three_files_and_no_more(house: House) -> None:
    number = await house.ask()
    async with house.signed_in() as browser:
        answer = await browser.get(f"/approvals/{number}/voice.wav")

    assert answer.status_code == 404
