"""What an account may publish is asked before anything is made, and again before it is sent."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bookai.channels import ChannelSettings
from bookai.db import jobs
from bookai.errors import Refused, TryLater
from bookai.settings import Settings
from studio.channels.checks import examine_passports
from studio.channels.standing import accounts_of, check_standing
from studio.office import Office, open_office
from tests.mcp_server.library import POST

PRIVATE = "[channels.news]\nstanding = 'private_only'\n"
TUBE = f"{PRIVATE}platform = 'youtube'\naccount = 'UC1'\n"


@pytest.fixture
async def office(settings: Settings) -> AsyncIterator[Office]:
    settings.home.mkdir()
    (settings.home / "studio.toml").write_text(TUBE)
    async with open_office(settings) as opened:
        yield opened


def write(office: Office, text: str) -> None:
    (Path(office.desk.home) / "studio.toml").write_text(text)


async def test_nothing_is_made_for_an_account_whose_platform_knows_no_private_posts(
    office: Office,
) -> None:
    await office.desk.create_job("owls", "news", "operator:ann")
    write(office, PRIVATE)

    with pytest.raises(Refused, match="only privately, and 'gallery' cannot"):
        await office.desk.create_job("owls", "news", "operator:ann")
    with pytest.raises(Refused, match="only privately, and 'gallery' cannot"):
        await office.desk.create_due_job("owls", "news", 60)

    assert len(await office.desk.list_jobs(None, 9)) == 1


async def test_a_post_for_everybody_is_not_sent_once_the_account_may_not(office: Office) -> None:
    job_id = await jobs.create(office.database.pool, "owls", "news", "operator:ann")
    with pytest.raises(Refused, match="only privately, and what was approved is public"):
        await office.desk.arm_post(job_id, POST.model_copy(update={"visibility": "public"}))

    armed = await office.desk.arm_post(job_id, POST.model_copy(update={"visibility": "private"}))

    assert armed.state == "armed"


async def test_while_the_file_is_broken_nothing_is_sent_and_the_doctor_names_the_line(
    office: Office,
) -> None:
    job_id = await jobs.create(office.database.pool, "owls", "news", "operator:ann")
    post = POST.model_copy(update={"visibility": "private"})
    office.desk.check_channel("news")
    write(office, f"{TUBE}seconds = 400\n")

    with pytest.raises(TryLater, match=r"nothing is published: .*studio\.toml:5: channels\.news"):
        await office.desk.arm_post(job_id, post)
    with pytest.raises(Exception, match=r"studio\.toml:5: channels\.news\.seconds"):
        await examine_passports(office.settings)
    made = await office.desk.create_job("other owls", "news", "operator:ann")
    write(office, TUBE)

    assert made.channel == "news"
    assert (await office.desk.arm_post(job_id, post)).state == "armed"


async def test_the_doctor_names_a_reference_that_leads_nowhere(office: Office) -> None:
    write(office, f"{TUBE}credentials = 'env:NOT_SET_ANYWHERE'\n[[sources]]\nurl = 'a'\n")

    level, found = await examine_passports(office.settings)

    assert level == "fail"
    assert "studio.toml:5: channels.news.credentials: the environment variable" in found
    assert "studio.toml:6: sources.0.channel: there is no channel 'default'; known: news" in found


def test_an_audited_account_and_one_that_can_be_private_are_free() -> None:
    check_standing("a", ChannelSettings())
    check_standing("b", ChannelSettings(standing="private_only", platform="youtube"))


def test_references_are_handed_to_the_platform_by_account(tmp_path: Path) -> None:
    channels = {
        "a": {"platform": "youtube", "account": "UC1", "credentials": "credential:one"},
        "b": {"platform": "youtube", "account": "UC2", "credentials": "credential:two"},
        "c": {},
    }
    settings = Settings.model_validate({"home": tmp_path, "channels": channels})

    assert accounts_of(settings) == {"youtube": {"UC1": "credential:one", "UC2": "credential:two"}}
