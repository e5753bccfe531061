"""The pages as such: headers, nothing inline, text of the world as text."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from studio.web.pages import STATIC, TEMPLATES, clock, left
from tests.studio.web.conftest import House, parsed

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
NASTY = [
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "\"><svg onload=alert(1)> ' & {{ 7*7 }} {% raw %}",
    "لماذا يحتاج العالم",
    "\u202eevil\u202c controls \x1b[2J\x85 \U0001ffff end",
    "x" * 100,
]


async def test_text_of_the_world_stays_text(house: House) -> None:
    for text in NASTY:
        await house.ask(
            title=text,
            caption=f"{text}\n\nSource",
            hashtags=(f"#{text}",),
            source_credit=text,
            source_url="javascript:alert(1)",
            account=text,
            language=text[:9],
        )
    async with house.signed_in() as browser:
        paths = ["/approvals", *(f"/approvals/{number + 1}" for number in range(len(NASTY)))]
        pages = [(await browser.get(path)).text for path in paths]

    for page in pages:
        tree = parsed(page)
        [script] = tree.iter("script")
        assert script.get("src").removeprefix("../").startswith("static/studio.js")
        assert list(tree.iter("svg")) == []
        handlers = [name for one in tree.iter() for name in one.attrib if name.startswith("on")]
        assert handlers == []
        links = [one.get("href", "") for one in tree.iter("a")]
        assert [href for href in links if href.startswith("javascript")] == []
    assert "7*7" in pages[0]


async def test_every_answer_is_armoured(house: House) -> None:
    number = await house.ask()
    async with house.signed_in() as browser:
        answers = [
            await browser.get(path)
            for path in (
                "/approvals",
                f"/approvals/{number}",
                f"/approvals/{number}/video",
                "/static/studio.css",
                "/nowhere",
                "/sign-in",
            )
        ]

    for one in answers:
        policy = one.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert one.headers["x-content-type-options"] == "nosniff"
    assert answers[1].headers["cache-control"] == "no-store"


def test_no_template_has_inline_script_or_style_or_another_hosts_address() -> None:
    for path in [*TEMPLATES.glob("*.j2"), *(TEMPLATES / name for name in STATIC)]:
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"\sstyle=|\son[a-z]+=|<style|<script(?! src=)", text), path.name
        assert not re.search(
            r"(https?:)?//[a-z]", re.sub(r"^//.*$|^\s+//.*$", "", text, flags=re.M)
        ), path.name
        assert not re.search(r"""(?:href|src|action)=["']/""", text), path.name


async def test_pages_are_right_under_any_prefix(house: House) -> None:
    number = await house.ask()
    async with house.signed_in() as browser:
        pages = [
            (await browser.get(path)).text
            for path in ("/approvals", f"/approvals/{number}", "/nowhere/deep/down", "/sign-in")
        ]

    for page in pages:
        assert not re.search(r"""(?:href|src|action)=["'](?:/|https?://127)""", page)
        assert "127.0.0.1" not in page


@pytest.mark.parametrize(
    ("ahead", "says"),
    [
        (timedelta(days=2, hours=3), "2 d 3 h left"),
        (timedelta(hours=5, minutes=7), "5 h 7 min left"),
        (timedelta(seconds=59), "1 min left"),
        (timedelta(0), "over"),
        (-timedelta(days=1), "over"),
    ],
)
def test_what_is_left_is_said_in_two_units(ahead: timedelta, says: str) -> None:
    assert left(NOW + ahead, NOW) == says


def test_a_place_in_a_film_is_minutes_and_seconds() -> None:
    assert [clock(at) for at in (0, 3.56, 61.2)] == ["0:00", "0:03", "1:01"]
