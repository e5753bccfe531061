import re
from datetime import UTC, datetime
from typing import Any

import html5lib
import pytest
from html5lib.html5parser import ParseError
from lxml import etree

from bookai.models import Post
from tools.site import pages, store

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
NASTY = [
    "\"Quotes\" & 'more' <b>bold</b>",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "🦉 owls 👩‍🚀 and 🚀",
    "لماذا يحتاج العالم إلى ثانية إضافية؟ abc",
    "\u202eevil\u202c \u2066x",
    "controls \x00\x08\x1b\x7f\x85\ufffe\U0001ffff end",
    "x" * 300,
    "many words " * 30,
    "]]> <!-- --> {{ 7*7 }} {% raw %} &amp; %00",
    "",
]


def entry(post: Post) -> store.Entry:
    return store.Entry(
        key="k1",
        folder=store.folder_name(post, "k1"),
        digest=post.digest(),
        published_at=NOW,
        duration_s=2.0,
        size_bytes=1000,
        post=post,
    )


def page_of(post: Post) -> str:
    return pages.video_page(entry(post), "BookAI Studio")


def parsed(page: str) -> Any:
    """Parse as a browser does, and fail at the first error that it would forgive."""
    return html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(page)


@pytest.mark.parametrize("signer", ["", "Example Media", *NASTY])
def test_the_page_names_the_videos_signer_as_plain_text(made: Any, signer: str) -> None:
    signed = entry(made.post).model_copy(update={"signer": signer})

    tree = parsed(pages.video_page(signed, "BookAI Studio"))

    said = [text for text in tree.itertext() if "Content Credentials" in text]
    assert len(said) == bool(signer)
    assert not tree.findall(".//script")


def test_the_page_holds_what_the_law_and_the_viewer_want(made: Any) -> None:
    page = page_of(made.with_offer())

    tree = parsed(page)
    assert tree.get("lang") == "en"
    assert "AI-made" in page
    assert tree.find(".//video/track").get("src") == "captions.vtt"
    assert tree.find(".//video").get("poster") == "thumb.jpg"
    # The captions are burnt into the picture: shown by default, they would be there twice.
    assert tree.find(".//video/track").get("default") is None
    source = tree.find(".//p[@class='source']/a")
    assert (source.get("href"), source.get("rel")) == (
        "https://example.org/clocks",
        "nofollow noopener",
    )
    assert made.post.transcript in "".join(tree.find(".//details").itertext())
    times = [one.get("datetime") for one in tree.iter("time")]
    assert times == ["2026-11-24T09:30:00+00:00"]


def test_a_disclosure_stands_before_its_link(made: Any) -> None:
    post = made.with_offer()

    page = page_of(post)

    aside = parsed(page).find(".//aside")
    first, second = aside.findall("p")
    assert first.text == post.disclosure
    assert second.find("a").get("rel") == "sponsored nofollow noopener"
    assert second.find("a").get("href") == post.offer_url
    assert page.index(post.disclosure) < page.index(post.offer_url.replace("&", "&amp;"))


def test_without_an_offer_no_page_speaks_of_ads(made: Any) -> None:
    page = page_of(made.post)

    assert "aside" not in page
    assert "ad" not in re.findall(r'class="[^"]*\b(ad|small-ad)\b', page)


def test_pages_ask_nobody_else_for_anything_and_run_no_script(made: Any) -> None:
    post = made.with_offer()
    index = pages.index_page((entry(post),), "BookAI Studio")

    for page in (page_of(post), index):
        tree = parsed(page)
        assert tree.find(".//script") is None
        loaded = [
            element.get(name)
            for element in tree.iter()
            for name in ("src", "poster")
            if element.get(name)
        ] + [link.get("href") for link in tree.iter("link")]
        assert loaded
        assert not [url for url in loaded if re.match(r"[a-z]+:|/", url)]
        policy = tree.find(".//meta[@http-equiv='Content-Security-Policy']").get("content")
        assert "default-src 'none'" in policy


@pytest.mark.parametrize("text", NASTY)
def test_nasty_texts_stay_texts(text: str, made: Any) -> None:
    post = made.with_offer(
        title=text,
        caption=text,
        source_credit=text,
        transcript=text,
        hashtags=(text,),
        source_url=f"javascript:{text}",
        offer_name=text or "x",
        disclosure=text or "Ad",
    )

    index = pages.index_page((entry(post),), text or "x")
    feed = pages.feed((entry(post),), text or "x", "")

    for page in (page_of(post), index):
        tree = parsed(page)
        assert tree.find(".//script") is None
        assert tree.find(".//svg") is None
        assert not [one for one in tree.iter() for name in one.attrib if name.startswith("on")]
        assert not [a for a in tree.iter("a") if a.get("href").startswith("javascript")]
    assert len(etree.fromstring(feed.encode()).findall(".//item")) == 1


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "data:text/html,x", "//evil.example", "http://", "https:\\\\x", "/etc"],
)
def test_only_web_addresses_become_links(url: str, made: Any) -> None:
    page = page_of(made.with_offer(source_url=url, offer_url=url))

    assert url not in [a.get("href") for a in parsed(page).iter("a")]
    assert "aside" not in page


def test_the_strict_parser_would_notice() -> None:
    with pytest.raises(ParseError):
        parsed("<!DOCTYPE html><title>x</title><p><div></p>")


@pytest.mark.parametrize(
    ("language", "label", "direction"),
    [("en", "AI-made", "ltr"), ("de", "KI-erzeugt", "ltr"), ("ar", "AI-made", "rtl")],
)
def test_the_labels_are_in_the_videos_language(
    language: str, label: str, direction: str, made: Any
) -> None:
    page = page_of(made.saying(language=language))

    assert label in page
    assert (parsed(page).get("lang"), parsed(page).get("dir")) == (language, direction)


def test_colours_have_enough_contrast_in_light_and_dark() -> None:
    light, dark = re.findall(r"--paper: .*?}", pages.style(), re.DOTALL)[:2]
    for theme in (light, light + dark):
        colour = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", theme))
        for ink, ground in [
            *(("ink", "paper"), ("soft", "paper"), ("mark", "paper"), ("ink", "card")),
            *(("on-mark", "mark"), ("on-ad", "ad"), ("mark", "card")),
        ]:
            assert contrast(colour[ink], colour[ground]) >= 4.5, (ink, ground)


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
