"""Signed links: one file, one principal, half an hour, and every byte of the address counts."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bookai.db import approvals, jobs, tokens
from bookai.db.embedded import EmbeddedPostgres
from bookai.errors import Refused
from bookai.models import VideoJob
from mcp_server.auth import Principal
from mcp_server.rooms import SignedLink
from studio.office import now
from studio.web.lent import Halt
from studio.web.media import KINDS, Named
from studio.web.signed import LIFE, JobSigner, Signing
from studio.wiring import signing_of
from tests.studio.web.conftest import (
    CAPTIONS,
    THUMBNAIL,
    VIDEO,
    House,
    emptied,
    shared_database,
)

ANNA = Principal("operator:anna", frozenset({"read", "approve"}))
NOON = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
FILM = Named("video.mp4", "ab" * 32, "video")


@pytest.fixture(scope="module")
def shared(server: EmbeddedPostgres) -> Iterator[str]:
    with shared_database(server) as name:
        yield name


@pytest.fixture
def database(server: EmbeddedPostgres, shared: str) -> str:
    return emptied(server, shared)


def signing(at: datetime = NOON, key: bytes = b"k" * 32) -> Signing:
    return Signing(lambda: key, "http://127.0.0.1:8931", lambda: at)


def token_of(link: SignedLink) -> str:
    return link.url.split("/")[-2]


def path_of(link: SignedLink) -> str:
    return urlsplit(link.url).path


def signer(house: House, *, by_token: bool = True, at: datetime | None = None) -> JobSigner:
    """Return the signer of this house's server, its clock put back where that is asked."""
    key = signing_of(house.settings).key
    base = house.settings.web_url

    async def load(job_id: int) -> VideoJob:
        return await jobs.load(house.office.database.pool, job_id)

    return JobSigner(Signing(key, base, lambda: at or now()), load, by_token)


async def a_job(house: House) -> tuple[int, Path]:
    approval = await approvals.get(house.office.database.pool, await house.ask())
    return approval.job_id, Path(approval.video_path)


async def test_a_link_sends_its_file_without_a_sign_in_whole_and_in_ranges(house: House) -> None:
    job_id, _ = await a_job(house)
    await house.token("anna")
    links = [await signer(house)(job_id, kind, ANNA) for kind in KINDS]
    async with house.browser() as browser:
        film, picture, captions = [await browser.get(path_of(link)) for link in links]
        part = await browser.get(path_of(links[0]), headers={"range": "bytes=100-199"})
        beyond = await browser.get(path_of(links[0]), headers={"range": "bytes=99999999-"})
        head = await browser.head(path_of(links[0]))

    assert (film.content, picture.content, captions.content) == (VIDEO, THUMBNAIL, CAPTIONS)
    assert film.headers["content-type"] == "video/mp4"
    assert (part.status_code, part.content) == (206, VIDEO[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(VIDEO)}"
    assert beyond.status_code == 416
    assert (head.status_code, head.content) == (200, b"")


async def test_a_card_in_a_frame_of_its_own_may_show_the_file_and_nobody_keeps_it(
    house: House,
) -> None:
    job_id, _ = await a_job(house)
    link = await signer(house, by_token=False)(job_id, "video", ANNA)
    async with house.browser(**{"sec-fetch-site": "cross-site", "origin": "null"}) as browser:
        film = await browser.get(path_of(link))
        page = await browser.get("/sign-in")

    assert film.status_code == 200
    assert film.headers["cross-origin-resource-policy"] == "cross-origin"
    assert film.headers["access-control-allow-origin"] == "*"
    assert film.headers["cache-control"] == "private, no-store"
    assert film.headers["referrer-policy"] == "no-referrer"
    assert film.headers["x-content-type-options"] == "nosniff"
    assert page.headers["cross-origin-resource-policy"] == "same-origin"
    assert "access-control-allow-origin" not in page.headers


async def test_a_link_ends_after_half_an_hour(house: House) -> None:
    job_id, _ = await a_job(house)
    link = await signer(house, by_token=False, at=now() - LIFE)(job_id, "video", ANNA)
    async with house.browser() as browser:
        gone = await browser.get(path_of(link))

    assert timedelta(hours=1) >= LIFE
    assert gone.status_code == 410
    assert "list_approvals" in gone.text


async def test_a_link_ends_with_the_token_of_its_holder(house: House) -> None:
    job_id, _ = await a_job(house)
    link = await signer(house)(job_id, "video", ANNA)
    async with house.browser() as browser:
        without = await browser.get(path_of(link))
        await house.token("anna")
        live = await browser.get(path_of(link))
        await tokens.revoke(house.office.database.pool, "anna", "operator:test")
        revoked = await browser.get(path_of(link))

    assert [one.status_code for one in (without, live, revoked)] == [403, 200, 403]
    assert "operator:anna was revoked" in revoked.text


@pytest.mark.parametrize("what", ["gone", "changed", "rendered anew", "no such job"])
async def test_a_link_is_to_the_very_bytes_that_were_signed(house: House, what: str) -> None:
    job_id, film = await a_job(house)
    link = await signer(house, by_token=False)(job_id, "video", ANNA)
    match what:
        case "gone":
            film.unlink()
        case "changed":
            film.write_bytes(VIDEO[:-1] + b"?")
        case "rendered anew":
            other = film.with_name("other.mp4")
            other.write_bytes(VIDEO[:-1] + b"?")
            await house.office.database.pool.execute(
                "UPDATE video_jobs SET record = jsonb_set(record, '{render,video_path}', $2)"
                " WHERE job_id = $1",
                job_id,
                str(other),
            )
        case _:
            named = Named("", "0" * 64, "video")
            link = signing_of(house.settings).link(named, 10**9, ANNA.name, by_token=False)
    async with house.browser() as browser:
        answer = await browser.get(path_of(link))

    assert answer.status_code == 410
    assert str(house.settings.home) not in answer.text


async def test_what_is_not_of_the_job_is_never_sent(house: House, tmp_path: Path) -> None:
    job_id, _ = await a_job(house)
    link = await signer(house, by_token=False)(job_id, "video", ANNA)
    outside = tmp_path / "video.mp4"
    outside.write_bytes(VIDEO)
    await house.office.database.pool.execute(
        "UPDATE video_jobs SET record = jsonb_set(record, '{render,video_path}', $2)"
        " WHERE job_id = $1",
        job_id,
        str(outside),
    )
    async with house.browser() as browser:
        answer = await browser.get(path_of(link))

    assert answer.status_code == 410
    assert str(tmp_path) not in answer.text


async def test_a_forged_link_and_another_files_name_are_refused(house: House) -> None:
    job_id, _ = await a_job(house)
    link = await signer(house, by_token=False)(job_id, "video", ANNA)
    stranger = signing(now(), b"x" * 32).link(FILM, job_id, ANNA.name, by_token=False)
    async with house.browser() as browser:
        for path in ("/m/x/video.mp4", "/m/%00/video.mp4", f"/m/{'A' * 900}/video.mp4"):
            assert (await browser.get(path)).status_code == 403
        assert (await browser.get(path_of(stranger))).status_code == 403
        other = path_of(link).replace("video.mp4", "thumbnail.jpg")
        assert (await browser.get(other)).status_code == 404
        assert (await browser.post(path_of(link))).status_code == 405


async def test_a_job_without_a_film_has_no_link(house: House) -> None:
    job_id: int = await house.office.database.pool.fetchval(
        "INSERT INTO video_jobs (source, channel, requested_by, status, stage, record)"
        " VALUES ('a.md', 'default', 'operator:bob', 'queued', 'scout',"
        """ '{"job_id": 1, "source": "a.md", "requested_by": "operator:bob"}') RETURNING job_id"""
    )

    with pytest.raises(Refused, match="has no video yet"):
        await signer(house)(job_id, "video", ANNA)


def test_the_key_lies_in_the_home_and_is_for_nobody_else(house: House) -> None:
    signed = signing_of(house.settings)
    link = signed.link(FILM, 1, ANNA.name, by_token=False)

    key = house.settings.media_key_path
    assert key.stat().st_mode & 0o777 == 0o600
    assert key.read_bytes() != b""
    # Another process of the same home reads what this one signed.
    assert signing_of(house.settings).read(token_of(link)).job_id == 1


@given(
    job_id=st.integers(1, 2**63 - 1),
    name=st.text(st.characters(codec="utf-8"), min_size=1, max_size=64),
    by_token=st.booleans(),
    kind=st.sampled_from(KINDS),
)
def test_a_link_says_back_what_was_signed(
    job_id: int, name: str, by_token: bool, kind: str
) -> None:
    named = Named("anywhere", "0f" * 32, next(one for one in KINDS if one == kind))

    claim = signing().read(token_of(signing().link(named, job_id, name, by_token=by_token)))

    assert (claim.job_id, claim.kind, claim.sha256) == (job_id, kind, "0f" * 32)
    assert (claim.principal, claim.by_token, claim.until) == (name, by_token, NOON + LIFE)


@given(at=st.integers(0, 10_000), to=st.sampled_from("ABCDEFxyz019-_"))
def test_no_character_of_a_link_can_be_changed(at: int, to: str) -> None:
    token = token_of(signing().link(FILM, 7, ANNA.name, by_token=True))
    place = at % len(token)
    changed = token[:place] + to + token[place + 1 :]
    assume(changed != token)

    with pytest.raises(Halt, match="Not a link of ours"):
        signing().read(changed)
