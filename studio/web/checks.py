"""What a request must be before anything is done for it: our host, our form, a sane size."""

import secrets
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request

from studio.web.lent import Halt

LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
MAX_FORM_BYTES = 512 * 1024
MAX_FIELDS = 400
_RELOAD = "Load the page again and decide there."


class Origins:
    """The names under which these pages may be asked for: loopback and the public URL's host."""

    def __init__(self, public_url: str | None) -> None:
        parts = urlsplit(public_url or "")
        self.is_proxied = bool(public_url)
        self.is_secure = parts.scheme == "https"
        self._public_host = _hostname(parts.netloc)
        self._public_origin = f"{parts.scheme}://{parts.netloc}".lower() if public_url else ""

    def knows_host(self, host: str) -> bool:
        """Tell whether a Host header names us: a stranger's name that leads here is a trick."""
        name = _hostname(host)
        return name in LOOPBACK or (name != "" and name == self._public_host)

    def is_ours(self, origin: str, host: str) -> bool:
        """Tell whether an Origin header is that of a page of ours."""
        here = _hostname(host) in LOOPBACK and origin.lower() == f"http://{host}".lower()
        return here or (origin != "" and origin.lower() == self._public_origin)

    def caller(self, request: Request) -> str:
        """Return whom to count guesses for; behind the proxy, the address that it saw."""
        hops = request.headers.get("x-forwarded-for", "").split(",") if self.is_proxied else []
        peer = request.client.host if request.client else "unknown"
        return (hops[-1].strip() if hops else "") or peer

    def check_same_site(self, request: Request, *, has_form_token: bool) -> None:
        """Let a form of ours pass, and no other page's.

        `has_form_token` says that the form proved already that it is ours. A page that sends no
        referrer sends "null" for its origin, so this alone says nothing then.

        Raises:
            Halt: another site's page sent this, or nothing shows that ours did.
        """
        site = request.headers.get("sec-fetch-site")
        origin = request.headers.get("origin")
        named = origin not in (None, "null")
        is_ours = self.is_ours(origin or "", request.headers.get("host", ""))
        if (site is not None and site != "same-origin") or (named and not is_ours):
            raise Halt(403, "Not from here", "Another site sent this form; nothing was done.")
        if site is None and not named and not has_form_token:
            text = "Your browser does not say which page sent this form; nothing was done."
            raise Halt(403, "Not from here", text, "Use a browser of the last years.")


async def read_form(request: Request) -> Mapping[str, str]:
    """Return a form's fields, line ends as `\\n`; of a field sent twice the last counts.

    Raises:
        Halt: it is no form, or a bigger one than any page of ours sends.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise Halt(415, "Not a form", "Only the forms of these pages are understood.")
    body = bytearray()
    async for block in request.stream():
        body += block
        if len(body) > MAX_FORM_BYTES:
            raise Halt(413, "Too long", f"A form may have {MAX_FORM_BYTES // 1024} KiB.")
    try:
        fields = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            max_num_fields=MAX_FIELDS,
            errors="replace",
        )
    except ValueError as error:
        raise Halt(400, "Not a form", "The form cannot be read.", _RELOAD) from error
    # A browser sends every line end as two characters; the caption that was shown has one.
    return {name: value.replace("\r\n", "\n").replace("\r", "\n") for name, value in fields}


def check_form_token(form: Mapping[str, str], expected: str) -> None:
    """Let only a form pass that we gave to this very visitor.

    Raises:
        Halt: the form is another visitor's, or older than this process.
    """
    if not secrets.compare_digest(form.get("form_token", "").encode(), expected.encode()):
        text = "This form is from an earlier sign-in; nothing was done."
        raise Halt(403, "The page is too old", text, _RELOAD)


def _hostname(netloc: str) -> str:
    """Return the name without user and port, as a Host header may write it."""
    host = netloc.lower().rpartition("@")[2]
    if host.startswith("["):
        return host.partition("]")[0] + "]" if "]" in host else ""
    return host.partition(":")[0]
