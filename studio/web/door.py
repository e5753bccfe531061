"""The door: a token is shown once, a session answers for it, and each request asks again."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bookai.db.tokens import hash_of, is_token
from mcp_server.auth import Principal, principal_of
from studio.web.checks import Origins, check_form_token, read_form
from studio.web.lent import Halt, Lent
from studio.web.pages import page
from studio.web.session import LIFETIME, Attempts, Session, Sessions

_HOME = "approvals"
_NEW_TOKEN = "bookai token create NAME --scope read --scope approve"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who is signed in."""

    principal: Principal
    session: Session


class Door:
    """Signs people in and out, and tells who a request is from."""

    def __init__(self, lent: Lent, origins: Origins, attempts: Attempts) -> None:
        self._lent = lent
        self._origins = origins
        self._attempts = attempts
        self._sessions = Sessions(lent.now)
        # The prefix makes browsers refuse the cookie from anyone but this very host.
        self._cookie = "__Host-bookai" if origins.is_secure else "bookai_session"

    async def visitor(self, request: Request) -> Visitor | None:
        """Return who is signed in, or None; the token is looked up again each time."""
        cookie = request.cookies.get(self._cookie)
        session = self._sessions.find(cookie)
        if session is None:
            return None
        row = await self._lent.lookup(session.token_sha256)
        if row is None:
            self._sessions.close(cookie)
            return None
        return Visitor(_checked(principal_of(row)), session)

    def ask(
        self, request: Request, status: int = 401, alert: str = "", wanted: str | None = None
    ) -> Response:
        """Return the page that asks for a token; afterwards it leads to where one wanted to go."""
        path = request.url.path
        # A strict cookie does not come along from another site's link; from our own page it does.
        is_guest = request.headers.get("sec-fetch-site") == "cross-site"
        again = is_guest and "again" not in request.query_params
        response = page(
            "sign_in.html.j2",
            path,
            status,
            next=_wanted(path.removeprefix("/") if wanted is None else wanted),
            again=again,
            alert=alert,
            mend=_NEW_TOKEN,
            visitor=None,
        )
        if status == 401:
            response.headers["www-authenticate"] = 'Session realm="approvals"'
        return response

    async def show(self, request: Request) -> Response:
        """Answer GET /sign-in."""
        return self.ask(request, 200)

    async def sign_in(self, request: Request) -> Response:
        """Answer POST /sign-in: open a session for whoever shows a live token."""
        self._origins.check_same_site(request, has_form_token=False)
        form = await read_form(request)
        token = form.get("token", "").strip()
        caller = self._origins.caller(request)
        wait_s = self._attempts.take(caller)
        if wait_s:
            text = "Too many wrong tokens were tried from your address."
            raise Halt(429, "Wait a little", text, f"Try again in {wait_s:.0f} s.", after_s=wait_s)
        row = await self._lent.lookup(hash_of(token)) if is_token(token) else None
        if row is None:
            alert = "This token is unknown, revoked or expired, or was made for another address."
            return self.ask(request, 403, alert, form.get("next", ""))
        self._attempts.give_back(caller)
        principal = _checked(principal_of(row))
        self._sessions.close(request.cookies.get(self._cookie))
        cookie, session = self._sessions.open(hash_of(token), row.expires_at)
        await self._lent.record("web.signed_in", principal.name, {"token": row.name})
        response = RedirectResponse(_wanted(form.get("next", "")), 303)
        response.set_cookie(
            self._cookie,
            cookie,
            max_age=int(min(LIFETIME, session.expires_at - self._lent.now()).total_seconds()),
            path="/",
            secure=self._origins.is_secure,
            httponly=True,
            samesite="strict",
        )
        return response

    async def sign_out(self, request: Request) -> Response:
        """Answer POST /sign-out: the session ends, in every window that has it."""
        await self.posted(request)
        self._sessions.close(request.cookies.get(self._cookie))
        response = RedirectResponse("sign-in", 303)
        response.delete_cookie(self._cookie, path="/", secure=self._origins.is_secure)
        return response

    async def posted(self, request: Request) -> tuple[Visitor, dict[str, str]]:
        """Return who sent a form and what is in it, once it is certain that it is ours.

        Raises:
            Halt: nobody is signed in, or the form is another page's.
        """
        visitor = await self.visitor(request)
        if visitor is None:
            text = "You are not signed in any more; nothing was done."
            raise Halt(401, "Signed out", text, "Sign in and do it again.")
        form = await read_form(request)
        check_form_token(form, visitor.session.form_token)
        self._origins.check_same_site(request, has_form_token=True)
        return visitor, dict(form)


def _checked(principal: Principal) -> Principal:
    """Return a principal that may look.

    Raises:
        Halt: an agent's token, or one without the right to read.
    """
    if "agent" in principal.scopes:
        text = f"{principal.name} is an agent; these pages are for people."
        raise Halt(403, "Not for agents", text, f"Make a token for yourself: {_NEW_TOKEN}")
    if not principal.may("read"):
        text = f"The token of {principal.name} may not read."
        raise Halt(403, "Not allowed", text, f"Make one that may: {_NEW_TOKEN}")
    return principal


def _wanted(path: str) -> str:
    """Return a page of ours to go on to; anything else, also another site's, is the list."""
    number = path.removeprefix(f"{_HOME}/")
    is_card = path != number and number.isascii() and number.isdecimal() and len(number) <= 18
    return path if is_card else _HOME
