"""A post as a YouTube video's metadata, and whether what came back is what was asked for."""

import hashlib
from collections.abc import Mapping
from typing import Any

from bookai.errors import OperatorNeeded, Refused
from bookai.models import Post, Visibility

PARTS = "snippet,status,paidProductPlacementDetails"
MAX_TITLE = 100
MAX_DESCRIPTION_BYTES = 5000
MAX_TAGS = 500

DEFAULT_VISIBILITY: Visibility = "private"


def marker(key: str) -> str:
    """Return the tag by which a video of ours is found when its session is gone."""
    return f"bk{hashlib.sha256(key.encode()).hexdigest()[:12]}"


def metadata(post: Post, key: str, category: str) -> dict[str, Any]:
    """Return the video resource to insert; nothing in it is left to the platform's own defaults.

    Raises:
        OperatorNeeded: the post does not say whether it is made for kids.
        Refused: YouTube does not take such a title or description.
    """
    if post.made_for_kids is None:
        raise OperatorNeeded(
            "the approved post does not say whether it is made for kids, and YouTube asks by law.",
            mend="Set made_for_kids of the channel in studio.toml and make the video again.",
        )
    description = _description(post)
    _check(post.title, description)
    return {
        "snippet": {
            "title": post.title,
            "description": description,
            "tags": _tags(post, marker(key)),
            "categoryId": category,
            "defaultLanguage": post.language,
            "defaultAudioLanguage": post.language,
        },
        "status": {
            "privacyStatus": post.visibility or DEFAULT_VISIBILITY,
            "selfDeclaredMadeForKids": post.made_for_kids,
            "containsSyntheticMedia": post.flags.ai_made,
            "license": "youtube",
            "embeddable": True,
        },
        "paidProductPlacementDetails": {"hasPaidProductPlacement": post.flags.paid_promotion},
    }


def differs(wanted: Mapping[str, Any], video: Mapping[str, Any]) -> str:
    """Return in words what the stored video says otherwise than was asked for, or nothing.

    A field that does not come back is not known to differ, except for who may see the video.
    """
    found = video.get("status")
    found = found if isinstance(found, dict) else {}
    status = wanted["status"]
    wrong = [
        f"{name} is {found[name]!r} instead of {status[name]!r}"
        for name in ("privacyStatus", "selfDeclaredMadeForKids", "containsSyntheticMedia")
        if name in found and found[name] != status[name]
    ]
    if "privacyStatus" not in found:
        wrong.append("YouTube did not say who may see it")
    return ", ".join(wrong)


def _description(post: Post) -> str:
    parts = [post.caption]
    if post.disclosure.strip() and post.disclosure not in post.caption:
        parts.insert(0, post.disclosure)
    if post.offer_url and post.offer_url not in post.caption:
        parts.append(f"{post.offer_name or ''}: {post.offer_url}".lstrip(": "))
    parts.append(" ".join(f"#{tag.lstrip('#')}" for tag in post.hashtags))
    return "\n\n".join(part for part in parts if part.strip())


def _tags(post: Post, mark: str) -> list[str]:
    tags, used = [mark], len(mark)
    for tag in (one.lstrip("#") for one in post.hashtags):
        # A tag with a space counts two more, and each but the first a comma.
        used += len(tag) + 3
        if tag and used <= MAX_TAGS:
            tags.append(tag)
    return tags


def _check(title: str, description: str) -> None:
    size = len(description.encode())
    if not 0 < len(title) <= MAX_TITLE:
        raise Refused(f"the title has {len(title)} characters; YouTube takes 1 to {MAX_TITLE}.")
    if size > MAX_DESCRIPTION_BYTES:
        raise Refused(f"the description has {size} bytes; YouTube takes {MAX_DESCRIPTION_BYTES}.")
    for what, text in (("title", title), ("description", description)):
        if "<" in text or ">" in text:
            raise Refused(f"the {what} holds < or >, which YouTube does not take: {text[:60]!r}.")
