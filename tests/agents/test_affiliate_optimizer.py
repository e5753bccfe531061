from typing import Any

import pytest

from agents.affiliate_optimizer import AGENT, DISCLOSURES, with_disclosure
from agents.base import Channel, Context
from bookai.errors import BookAIError, OperatorNeeded, Refused, TryLater
from bookai.models import Fallback, Line, Offer, OfferChoice, OfferList, Script, VideoJob
from bookai.testing import NOW, Heard, ScriptedToolbox, ask_nobody

CLOCK = Offer(
    product_id=3,
    name="Atomic wall clock",
    network="catalogue",
    url="https://example.com/clock",
    price_minor=3990,
    currency="EUR",
    category="clocks",
    terms=("atomic clock", "timekeeping"),
)
PAN = CLOCK.model_copy(update={"product_id": 4, "name": "Pan", "terms": ("recipe", "frying pan")})
LINKED = CLOCK.model_copy(update={"url": "https://example.com/clock?subid=v7p3"})
SAID = "An atomic clock never tires. Timekeeping is hard, and an atomic clock does it."


def job(text: str = SAID, language: str = "en", **changes: Any) -> VideoJob:
    script = Script(
        title="Clocks that agree",
        lines=(Line(text=text, kind="hook"),),
        language=language,
        draft_kind="extractive",
        writer="extractive",
        seconds_est=30,
    )
    return VideoJob(job_id=7, source="a.md", requested_by="operator:ann", script=script, **changes)


def toolbox(link: object = LINKED, *offers: Offer) -> ScriptedToolbox:
    return ScriptedToolbox(list_offers=OfferList(offers=offers or (CLOCK, PAN)), make_link=link)


async def match(tools: ScriptedToolbox, what: VideoJob) -> VideoJob:
    ctx = Context(ask=ask_nobody, tools=tools, channel=Channel(), now=NOW, progress=Heard())
    return await AGENT.run("match_offers", what, ctx)


async def choice_of(tools: ScriptedToolbox, what: VideoJob) -> OfferChoice:
    done = await match(tools, what)
    assert done.offer is not None
    return done.offer


async def test_the_offer_that_fits_comes_with_its_link_reason_and_disclosure() -> None:
    tools = toolbox()

    choice = await choice_of(tools, job())

    assert choice == OfferChoice(
        offer=LINKED,
        reason="Atomic wall clock: matched 'atomic clock', 'timekeeping'",
        disclosure="Ad: we may earn a commission if you buy through the link.",
    )
    assert tools.calls == [("list_offers", {}), ("make_link", {"job_id": 7, "product_id": 3})]


async def test_where_nothing_fits_it_says_so_and_makes_no_link() -> None:
    tools = toolbox()

    choice = await choice_of(tools, job("The recipe is old."))

    assert choice == OfferChoice(
        offer=None,
        reason="nothing of 2 products fits: best was Pan with 1 weak term ('recipe')",
    )
    assert [name for name, _ in tools.calls] == ["list_offers"]


async def test_where_no_term_is_said_it_says_so() -> None:
    choice = await choice_of(toolbox(), job("The council met."))

    assert choice.offer is None
    assert choice.reason == "nothing of 2 products fits: none shares a term with the script"


async def test_an_empty_catalogue_fits_nothing() -> None:
    tools = ScriptedToolbox(list_offers=OfferList(offers=()))

    assert (await choice_of(tools, job())).offer is None


async def test_beside_a_tragedy_nothing_is_sold_whatever_matches() -> None:
    tools = toolbox()

    choice = await choice_of(tools, job(f"{SAID} Then an earthquake came."))

    assert choice == OfferChoice(
        offer=None, reason="no offer beside a sensitive topic: the script says 'earthquake'"
    )
    assert tools.calls == []


@pytest.mark.parametrize("language", sorted(DISCLOSURES))
async def test_an_offer_is_disclosed_in_the_scripts_language(language: str) -> None:
    done = await match(toolbox(), job(language=language))

    assert done.offer is not None
    assert done.offer.disclosure == DISCLOSURES[language]
    assert done.fallbacks == ()


async def test_a_language_without_a_disclosure_gets_the_english_one_and_a_fallback() -> None:
    done = await match(toolbox(), job(language="nl"))

    assert done.offer is not None
    assert done.offer.disclosure == DISCLOSURES["en"]
    assert done.fallbacks == (
        Fallback(
            what="disclosure language",
            wanted="nl",
            used="en",
            why="there is no disclosure in 'nl' yet",
        ),
    )


@pytest.mark.parametrize(
    "error", [Refused("no longer offered"), OperatorNeeded("no plug-in.", mend="Add it.")]
)
async def test_a_link_that_cannot_be_had_costs_the_offer_not_the_video(error: Exception) -> None:
    done = await match(toolbox(error), job())

    assert done.offer is not None
    assert (done.offer.offer, done.offer.disclosure) == (None, "")
    [fallback] = done.fallbacks
    assert (fallback.wanted, fallback.used, fallback.why) == (
        "Atomic wall clock",
        "no offer",
        str(error),
    )


async def test_a_busy_tool_is_tried_again_not_given_up() -> None:
    with pytest.raises(TryLater):
        await match(toolbox(TryLater("busy")), job())


async def test_without_a_script_there_is_nothing_to_match() -> None:
    with pytest.raises(BookAIError, match="job 7 has no script"):
        await match(toolbox(), job().model_copy(update={"script": None}))


def test_the_disclosure_is_spoken_once_right_before_the_call_to_action() -> None:
    lines = (Line(text="A fact.", kind="beat"), Line(text="Follow along.", kind="cta"))
    script = Script(
        title="T", lines=lines, language="en", draft_kind="model", writer="t", seconds_est=20
    )

    once = with_disclosure(script, "Ad: we earn.")

    assert [line.text for line in once.lines] == ["A fact.", "Ad: we earn.", "Follow along."]
    assert with_disclosure(once, "Ad: we earn.") == once
