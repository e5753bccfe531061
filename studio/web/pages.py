"""The pages: escaped by Jinja, no inline script or style, no request to anywhere else."""

import hashlib
import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import jinja2
from starlette.responses import HTMLResponse, Response

from bookai.decisions import RULE
from studio.web.lent import Halt
from tools.site.pages import holdable, safe_href
from tools.site.words import direction

TEMPLATES = Path(__file__).parent / "templates"
STATIC = {
    "studio.css": "text/css; charset=utf-8",
    "studio.js": "text/javascript; charset=utf-8",
    "mark.svg": "image/svg+xml",
}
LINKS = "/a/"
_DOORS = {
    "cli": "at the command line",
    "mcp": "over MCP",
    "web": "in a browser",
    "link": "by a link",
}
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def page(template: str, path: str, status: int = 200, **values: object) -> HTMLResponse:
    """Return a page for the request path `path`.

    Every address in it is relative, so it is right behind any proxy and under any prefix.
    """
    root = "../" * (path.count("/") - 1)
    text = _environment().get_template(template).render(root=root, **values)
    # A lone half of a surrogate pair has no UTF-8; it must not stop a page.
    return HTMLResponse(text.encode(errors="replace"), status_code=status)


def halt_page(halt: Halt, path: str) -> HTMLResponse:
    """Return the page that says what happened and what mends it."""
    # Whoever came by a link has no list to go to.
    leads_home = not path.startswith(LINKS)
    response = page(
        "halt.html.j2", path, halt.status, halt=halt, visitor=None, leads_home=leads_home
    )
    if halt.after_s is not None:
        response.headers["retry-after"] = str(max(1, round(halt.after_s)))
    return response


def static_file(name: str) -> Response:
    """Return a file of the pages' own.

    Raises:
        Halt: there is no such file.
    """
    if name not in STATIC:
        raise Halt(404, "Nothing here", "There is no such file.")
    body = (TEMPLATES / name).read_bytes()
    headers = {"cache-control": "public, max-age=86400"}
    return Response(body, media_type=STATIC[name], headers=headers)


def when(at: datetime) -> str:
    """Return a time as a reader writes it."""
    return f"{at.astimezone(UTC):%a %d %b %Y, %H:%M} UTC"


def left(until: datetime, now: datetime) -> str:
    """Return how long there is until a time, in two units at most."""
    seconds = int((until - now).total_seconds())
    if seconds <= 0:
        return "over"
    if seconds >= _DAY:
        return f"{seconds // _DAY} d {seconds % _DAY // _HOUR} h left"
    if seconds >= _HOUR:
        return f"{seconds // _HOUR} h {seconds % _HOUR // _MINUTE} min left"
    return f"{max(1, seconds // _MINUTE)} min left"


def clock(seconds: float) -> str:
    """Return a place in a film, m:ss."""
    whole = int(seconds)
    return f"{whole // 60}:{whole % 60:02d}"


def person(principal: str) -> str:
    """Return a principal as people say it: operator:anna is anna."""
    if principal.startswith(RULE):
        return f"the rule for {principal.rsplit(':', 1)[-1]}"
    return principal.removeprefix("operator:")


def language_tag(language: str) -> str:
    """Return a language for the `lang` attribute; unknown where it is none."""
    return language if _LANGUAGE.fullmatch(language) else "und"


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        # Every value of the world passes here on its way into a page.
        finalize=holdable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "href": safe_href,
        "when": when,
        "left": left,
        "clock": clock,
        "person": person,
        "language": language_tag,
        "direction": direction,
    }
    environment.globals["doors"] = _DOORS
    # The name changes with the content, so a browser may keep the files for a day.
    digest = hashlib.sha256(b"".join((TEMPLATES / name).read_bytes() for name in sorted(STATIC)))
    environment.globals["version"] = digest.hexdigest()[:12]
    return environment
