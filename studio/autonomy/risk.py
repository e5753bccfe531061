"""The risk line: what a post must not be, if the studio shall say yes by itself.

Whatever is not known to be harmless is above the line: a person looks at it.
"""

from bookai.channels import ChannelSettings
from bookai.db.approvals import Approval
from bookai.models import VideoJob
from bookai.text.sensitive import sensitive_word
from studio.autonomy.topics import LANGUAGES, grave_topic

HARMLESS = frozenset({"video encoder", "feeds"})
"""Fallbacks that change nothing of what is said, heard or shown, by their `what`."""


def above(job: VideoJob, approval: Approval, passport: ChannelSettings) -> tuple[str, ...]:
    """Return why a person must look at this post; nothing where a rule may answer."""
    reasons = (
        *_people(passport),
        *_target(approval, passport),
        *_money(job, approval),
        *_topic(job, approval),
        *_findings(job, approval),
        *_stand_ins(job, passport),
    )
    return tuple(reasons)


def names_of(job: VideoJob) -> tuple[str, ...]:
    """Return what was looked at, for the record of a yes by rule."""
    review = job.review.findings if job.review else ()
    film = job.check.findings if job.check else ()
    found = [one.check for one in (*review, *film)]
    return tuple(dict.fromkeys(("no offer", "no sensitive topic", "no stand-in", *found)))


def _people(passport: ChannelSettings) -> list[str]:
    if passport.approvals_needed > 1 or passport.approvers:
        return ["the channel names who approves, or asks several"]
    return []


def _target(approval: Approval, passport: ChannelSettings) -> list[str]:
    post, private = approval.post, passport.standing == "private_only"
    sees = "private" if private else passport.visibility
    made_for = (post.platform, post.account, post.language, post.visibility, post.made_for_kids)
    wanted = (passport.platform, passport.account, passport.language, sees, passport.made_for_kids)
    found = [] if made_for == wanted else ["it was made for another passport than is in force"]
    if post.language not in LANGUAGES:
        found.append(f"no list of grave topics was reviewed for {post.language!r}")
    return found


def _money(job: VideoJob, approval: Approval) -> list[str]:
    post, found = approval.post, []
    lines = job.script.lines if job.script else ()
    if post.offer_name or post.offer_url or (job.offer is not None and job.offer.offer):
        found.append("it carries an offer")
    is_told = post.disclosure or any(line.kind == "disclosure" for line in lines)
    if is_told or post.flags.paid_promotion:
        found.append("it is declared as an ad")
    return found


def _topic(job: VideoJob, approval: Approval) -> list[str]:
    post = approval.post
    parts = [post.title, post.caption, post.transcript, " ".join(post.hashtags)]
    parts += [job.script.text] if job.script else []
    parts += [job.article.title] if job.article else []
    text = "\n".join(parts)
    if grave := sensitive_word(text):
        return [f"a sensitive topic: it says '{grave}'"]
    topic = grave_topic(text)
    return [topic] if topic else []


def _findings(job: VideoJob, approval: Approval) -> list[str]:
    if job.script is None or job.article is None or job.review is None or job.check is None:
        return ["it was not checked"]
    found = [f"the check {one.check!r} is not green" for one in job.check.findings if not one.ok]
    found += [f"the editor says: {reason}" for reason in job.review.reasons]
    if not job.check.ok or not job.check.findings or job.review.verdict != "accept":
        found.append("its checks are not green")
    if job.render is None or job.render.sha256 != approval.post.video_sha256:
        found.append("the film that was checked is another")
    return found


def _stand_ins(job: VideoJob, passport: ChannelSettings) -> list[str]:
    found = [
        f"{one.what}: {one.used} stands in for {one.wanted}"
        for one in job.fallbacks
        if one.what not in HARMLESS
    ]
    version = passport.brand_voice.version
    spoken = job.script.brand_voice if job.script else None
    if spoken not in (None, version):
        found.append(f"it speaks in version {spoken} of the brand voice, not {version}")
    if job.swaps:
        found.append("somebody chose another shot")
    return found
