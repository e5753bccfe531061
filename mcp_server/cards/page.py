"""The card's page: one document, nothing in it from elsewhere, and a content policy of its own."""

import base64
import hashlib
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

CARD_URI = "ui://bookai/approval"

_VIEW = Path(__file__).parent / "view"


def origin_of(url: str) -> str:
    """Return scheme, host and port of an address: the one place that a card may load from."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


@cache
def card_html(origin: str) -> str:
    """Return the document; films and pictures may come from `origin` and from nowhere else.

    A host puts a policy of its own around it, made of what the resource declares. This one holds
    also in a host that forgets to, and is stricter: it names our one script by its hash.
    """
    style = (_VIEW / "card.css").read_text()
    script = "".join((_VIEW / name).read_text() for name in ("host.js", "card.js"))
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src {_hash(script)}",
            f"style-src {_hash(style)}",
            f"img-src {origin}",
            f"media-src {origin}",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    page = (_VIEW / "card.html").read_text()
    return page.replace("%POLICY%", policy).replace("%STYLE%", style).replace("%SCRIPT%", script)


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
