"""The risk line: whatever is not known to be harmless is looked at by a person."""

from datetime import timedelta
from typing import Any

import pytest

from bookai.channels import ChannelSettings
from bookai.db.approvals import Approval
from bookai.db.autonomy.ladder import Terms
from bookai.models import (
    CheckReport,
    Fallback,
    Finding,
    Flags,
    Line,
    Offer,
    OfferChoice,
    Post,
    VideoJob,
)
from studio.autonomy import risk, terms_of
from studio.autonomy.terms import bound_to
from tests.graphs.crew import ARTICLE, NOW, POST, RENDER, SCRIPT, review

PLAIN = ChannelSettings()
JOB = VideoJob(
    job_id=1,
    source="a.md",
    requested_by="schedule",
    article=ARTICLE,
    script=SCRIPT,
    review=review("accept"),
    offer=OfferChoice(offer=None, reason="nothing fits"),
    render=RENDER,
    check=CheckReport(ok=True, findings=(Finding(check="loudness", ok=True),)),
    post=POST,
)
OFFER = Offer(
    product_id=1,
    name="X",
    network="n",
    url="https://s.example",
    price_minor=1,
    currency="EUR",
    category="c",
    terms=(),
)
AD_LINE = SCRIPT.model_copy(update={"lines": (*SCRIPT.lines, Line(text="Ad", kind="disclosure"))})
OLD_VOICE = SCRIPT.model_copy(update={"brand_voice": 2})
GRAVE = SCRIPT.model_copy(update={"lines": (Line(text="It was a massacre.", kind="hook"),)})


def approval(post: Post = POST) -> Approval:
    return Approval(
        approval_id=1,
        job_id=1,
        title=post.title,
        state="pending",
        digest=post.digest(),
        requested_at=NOW,
        expires_at=NOW + timedelta(days=1),
        decided_by=None,
        decided_at=None,
        note=None,
        post=post,
        video_path="/v.mp4",
        channel="news",
        requested_by="schedule",
        needed=1,
        approvers=(),
        own_jobs=True,
        follows=None,
        followed_by=None,
        batch_id=None,
        votes=(),
        edits=(),
    )


def with_fallback(what: str) -> dict[str, Any]:
    return {"fallbacks": (Fallback(what=what, wanted="a", used="b", why="c"),)}


def test_what_is_green_and_plain_lies_below_the_line() -> None:
    assert risk.above(JOB, approval(), PLAIN) == ()
    assert risk.names_of(JOB)[-2:] == ("length", "loudness")


@pytest.mark.parametrize("what", sorted(risk.HARMLESS))
def test_a_stand_in_that_changes_nothing_is_harmless(what: str) -> None:
    assert risk.above(JOB.model_copy(update=with_fallback(what)), approval(), PLAIN) == ()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"script": GRAVE}, "a sensitive topic: it says 'massacre'"),
        ({"offer": OfferChoice(offer=OFFER, reason="fits")}, "it carries an offer"),
        ({"script": AD_LINE}, "it is declared as an ad"),
        (with_fallback("writer model"), "writer model: b stands in for a"),
        (with_fallback("something new"), "something new: b stands in for a"),
        ({"review": review("refuse")}, "the editor says: length: too long"),
        ({"check": CheckReport(ok=True, findings=())}, "its checks are not green"),
        (
            {"check": CheckReport(ok=True, findings=(Finding(check="x", ok=False),))},
            "the check 'x' is not green",
        ),
        ({"render": RENDER.model_copy(update={"sha256": "9" * 64})}, "checked is another"),
        ({"article": None}, "it was not checked"),
        ({"script": OLD_VOICE}, "it speaks in version 2 of the brand voice, not 1"),
        ({"check": None}, "it was not checked"),
        ({"swaps": {0: "image"}}, "somebody chose another shot"),
    ],
)
def test_a_job_above_the_line_says_why(changes: dict[str, object], why: str) -> None:
    assert why in "; ".join(risk.above(JOB.model_copy(update=changes), approval(), PLAIN))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"caption": "Two swimmers drowned."}, "deaths and disasters: it says 'drowned'"),
        ({"caption": "A vaccine for all."}, "health: it says 'vaccine'"),
        ({"language": "fi"}, "no list of grave topics was reviewed for 'fi'"),
        ({"account": "other"}, "another passport"),
        ({"visibility": "public"}, "another passport"),
        ({"caption": "A gunman was arrested."}, "sensitive topic: it says 'gunman'"),
        ({"offer_name": "X"}, "it carries an offer"),
        ({"offer_url": "https://s.example"}, "it carries an offer"),
        ({"disclosure": "Ad"}, "it is declared as an ad"),
        ({"flags": Flags(paid_promotion=True)}, "it is declared as an ad"),
    ],
)
def test_a_post_above_the_line_says_why(changes: dict[str, object], why: str) -> None:
    post = POST.model_copy(update=changes)

    assert why in "; ".join(risk.above(JOB, approval(post), PLAIN))


@pytest.mark.parametrize("rules", [{"approvals_needed": 2}, {"approvers": ["operator:ann"]}])
def test_a_channel_that_names_people_is_never_automatic(rules: dict[str, object]) -> None:
    passport = ChannelSettings.model_validate(rules)

    assert risk.above(JOB, approval(), passport) != ()


def test_the_terms_are_off_until_the_passport_says_so() -> None:
    wanted = {"autonomy": {"after": 5, "per_day": 2}, "brand_voice": {"version": 3}}

    assert terms_of(PLAIN) is None
    assert terms_of(ChannelSettings.model_validate(wanted)) == Terms(
        5, 2, "UTC", 3, bound_to(ChannelSettings.model_validate(wanted))
    )
