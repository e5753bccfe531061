from typing import Any

import pytest

from agents.base import Channel, Context
from agents.publisher import AGENT, caption, hashtags, shortened
from bookai.errors import BookAIError, Refused
from bookai.models import (
    CheckReport,
    Flags,
    Line,
    Offer,
    OfferChoice,
    Post,
    Publication,
    Render,
    Report,
    Script,
    Span,
    VideoJob,
)
from bookai.testing import NOW, Heard, ScriptedToolbox, ask_nobody, make_article

ARTICLE = make_article("Clocks agree. The Earth does not care.", publisher="Wikinews").model_copy(
    update={"licence": "CC BY 2.5"}
)
SPAN = Span(start=0, end=5)
SCRIPT = Script(
    title="Atomic clocks outrun the turning Earth",
    lines=(
        Line(text="Clocks agree to a billionth.", kind="hook", span=SPAN),
        Line(text="The Earth does not care.", kind="beat", span=SPAN),
        Line(text='"It is odd," said one clockmaker.', kind="quote", span=SPAN),
        Line(text="In 2035 the leap second ends.", kind="beat", span=SPAN),
        Line(text="Follow for more.", kind="cta"),
    ),
    language="en",
    draft_kind="extractive",
    writer="extractive",
    seconds_est=30,
)
RENDER = Render(
    video_path="/jobs/7/video.mp4",
    thumbnail_path="/jobs/7/thumbnail.jpg",
    captions_path="/jobs/7/captions.vtt",
    sha256="a" * 64,
    thumbnail_sha256="b" * 64,
    captions_sha256="c" * 64,
    size_bytes=1,
    duration_s=30,
    width=1080,
    height=1920,
    fps=30,
    encoder="libx264",
    encoder_reason="no GPU",
)
OFFER = Offer(
    product_id=3,
    name="Atomic wall clock",
    network="catalogue",
    url="https://example.com/clock?subid=v7p3",
    price_minor=3990,
    currency="EUR",
    category="clocks",
    terms=("clock",),
)
DISCLOSURE = "Ad: we may earn a commission if you buy through the link."
CHOICE = OfferChoice(offer=OFFER, reason="fits", disclosure=DISCLOSURE)
PUBLICATION = Publication(
    post_id=1, platform="gallery", url="file:///v/x", external_id="x", published_at=NOW
)


def job(**changes: Any) -> VideoJob:
    plain: dict[str, Any] = {
        "job_id": 7,
        "source": "a.md",
        "requested_by": "operator:ann",
        "article": ARTICLE,
        "script": SCRIPT,
        "render": RENDER,
        "check": CheckReport(ok=True, findings=()),
        "offer": OfferChoice(offer=None, reason="nothing fits"),
    }
    return VideoJob(**plain | changes)


def context(tools: ScriptedToolbox | None = None, channel: Channel | None = None) -> Context:
    return Context(
        ask=ask_nobody,
        tools=tools or ScriptedToolbox(),
        channel=channel or Channel(),
        now=NOW,
        progress=Heard(),
    )


async def packaged(channel: Channel | None = None, **changes: Any) -> Post:
    done = await AGENT.run("package", job(**changes), context(channel=channel))
    assert done.post is not None
    return done.post


async def test_a_package_is_everything_that_goes_out() -> None:
    assert await packaged(Channel(platform="tube", account="clocks")) == Post(
        platform="tube",
        account="clocks",
        title="Atomic clocks outrun the turning Earth",
        caption="Clocks agree to a billionth. The Earth does not care. "
        '"It is odd," said one clockmaker.\n\n'
        "Source: Wikinews (CC BY 2.5): https://example.org/article",
        hashtags=("#Clocks", "#Earth", "#Atomic", "#Outrun"),
        flags=Flags(ai_made=True, paid_promotion=False),
        source_url="https://example.org/article",
        source_credit="Source: Wikinews (CC BY 2.5)",
        language="en",
        video_sha256="a" * 64,
        thumbnail_sha256="b" * 64,
        captions_sha256="c" * 64,
        transcript=SCRIPT.text,
    )


async def test_who_may_see_it_is_approved_with_it_and_what_is_not_said_changes_no_digest() -> None:
    unsaid = await packaged()
    said = await packaged(Channel(visibility="public", made_for_kids=False))

    assert (said.visibility, said.made_for_kids) == ("public", False)
    assert {"visibility", "made_for_kids"}.isdisjoint(unsaid.model_dump(mode="json"))
    assert Post.model_validate_json(said.model_dump_json()).digest() == said.digest()
    assert unsaid.digest() != said.digest()


async def test_an_offer_is_flagged_linked_and_disclosed_first() -> None:
    post = await packaged(offer=CHOICE)

    assert (post.offer_name, post.offer_url) == (OFFER.name, OFFER.url)
    assert post.flags == Flags(ai_made=True, paid_promotion=True)
    assert post.disclosure == DISCLOSURE
    assert post.caption.startswith(f"{DISCLOSURE}\n\nClocks agree")


async def test_an_account_that_was_not_audited_publishes_privately() -> None:
    channel = Channel(platform="youtube", standing="private_only")

    done = await AGENT.run("package", job(), context(channel=channel))

    assert done.post is not None
    assert done.post.visibility == "private"


@pytest.mark.parametrize(
    ("phrase", "where"),
    [
        ("OUTRUN  the turning", "title"),
        ("Clocks agree", "caption"),
        ("source: wikinews", "caption"),
        ("#atomic", "hashtags"),
    ],
)
async def test_what_the_channel_never_says_is_not_packaged(phrase: str, where: str) -> None:
    channel = Channel(name="kids", banned_phrases=(phrase,))

    with pytest.raises(Refused, match=f"the {where} would say .* banned on 'kids'"):
        await AGENT.run("package", job(), context(channel=channel))


async def test_an_offer_without_a_disclosure_is_not_packaged() -> None:
    with pytest.raises(BookAIError, match="an offer without a disclosure"):
        await packaged(offer=CHOICE.model_copy(update={"disclosure": " "}))


async def test_without_an_offer_a_left_over_disclosure_is_not_published() -> None:
    post = await packaged(offer=CHOICE.model_copy(update={"offer": None}))

    assert (post.disclosure, post.flags.paid_promotion) == ("", False)


async def test_a_path_of_this_machine_is_not_published() -> None:
    article = ARTICLE.model_copy(update={"url": "/home/ann/secret/clocks.md"})

    post = await packaged(article=article)

    assert post.source_url == ""
    assert "/home" not in post.model_dump_json()
    assert post.caption.endswith("Source: Wikinews (CC BY 2.5)")


async def test_the_source_is_credited_in_the_videos_language() -> None:
    post = await packaged(script=SCRIPT.model_copy(update={"language": "de"}))

    assert post.source_credit == "Quelle: Wikinews (CC BY 2.5)"


async def test_the_same_job_gives_the_same_digest() -> None:
    assert (await packaged()).digest() == (await packaged()).digest()


@pytest.mark.parametrize(
    "missing",
    [
        {"script": None},
        {"render": None},
        {"article": None},
        {"check": None},
        {"check": CheckReport(ok=False, findings=())},
    ],
)
async def test_what_is_not_finished_and_checked_is_not_packaged(missing: dict[str, Any]) -> None:
    with pytest.raises(BookAIError, match="job 7"):
        await packaged(**missing)


def test_a_caption_says_nothing_that_the_script_does_not() -> None:
    said = caption(SCRIPT, "", "Source: Wikinews").split("\n\n")[0]

    assert said in SCRIPT.text
    assert "Follow" not in said


def test_a_caption_holds_whole_sentences_only() -> None:
    long = tuple(Line(text=f"{n} " + "word " * 40 + "end.", kind="beat") for n in range(4))
    script = SCRIPT.model_copy(update={"lines": long})

    assert caption(script, "", "Source: x").split("\n\n")[0] == long[0].text


@pytest.mark.parametrize(
    ("title", "tags"),
    [
        ("The world is getting rid of the leap second", {"#Leap", "#Second"}),
        ("NASA's rover finds C3PO's 2nd rock-like thing", {"#Rover"}),
        ("Zebra stripes may 'dazzle' horse flies, say scientists", {"#Zebra", "#Stripes"}),
        ("Eulen hören die Maus unter dem Schnee", {"#Eulen", "#Maus"}),
        ("a b c", set()),
    ],
)
def test_hashtags_are_letters_and_of_the_title(title: str, tags: set[str]) -> None:
    script = SCRIPT.model_copy(update={"title": title})

    found = hashtags(script)

    assert tags <= set(found)
    assert len(found) <= 6
    assert len({tag.lower() for tag in found}) == len(found)
    assert all(tag[0] == "#" and tag[1:].isalpha() for tag in found)


def test_a_short_title_is_helped_by_what_the_script_repeats() -> None:
    lines = (
        Line(text="Owls hunt. Owls hear snow. The snow hides mice, owls eat mice.", kind="hook"),
    )
    script = SCRIPT.model_copy(update={"title": "Owls", "lines": lines})

    assert hashtags(script) == ("#Owls", "#Snow", "#Mice")


@pytest.mark.parametrize(
    ("text", "limit", "short"),
    [
        ("one two", 100, "one two"),
        ("one two three", 10, "one two…"),
        ("one two, three", 10, "one two…"),
        ("x" * 300, 10, "x" * 9 + "…"),
        ("two\nlines  here", 100, "two lines here"),
    ],
)
def test_a_long_title_is_cut_between_words(text: str, limit: int, short: str) -> None:
    assert shortened(text, limit) == short


async def test_publishing_sends_exactly_the_approved_post_and_keeps_the_receipt() -> None:
    post = await packaged()
    tools = ScriptedToolbox(publish_video=PUBLICATION)

    done = await AGENT.run("publish", job(post=post), context(tools))

    assert done.publication == PUBLICATION
    assert tools.calls == [
        (
            "publish_video",
            {
                "job_id": 7,
                "post": post,
                "video_path": RENDER.video_path,
                "thumbnail_path": RENDER.thumbnail_path,
                "captions_path": RENDER.captions_path,
            },
        )
    ]


async def test_a_refused_publication_stays_refused() -> None:
    tools = ScriptedToolbox(publish_video=Refused("nobody approved this"))

    with pytest.raises(Refused, match="nobody approved"):
        await AGENT.run("publish", job(post=await packaged()), context(tools))


async def test_what_is_not_packaged_or_published_is_named() -> None:
    with pytest.raises(BookAIError, match="nothing to publish"):
        await AGENT.run("publish", job(), context())
    with pytest.raises(BookAIError, match="is not published"):
        await AGENT.run("report", job(), context())


async def test_a_report_is_read_and_kept() -> None:
    report = Report(views=None, note="there")
    tools = ScriptedToolbox(read_stats=report)

    done = await AGENT.run("report", job(publication=PUBLICATION), context(tools))

    assert done.report == report
    assert tools.calls == [("read_stats", {"job_id": 7, "publication": PUBLICATION})]
