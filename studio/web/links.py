"""One-time links: the same card without a sign-in, for one named operator and one answer.

Looking never spends a link, so a messenger that fetches it for a preview does no harm.
"""

import hashlib
import hmac
import secrets

from starlette.requests import Request
from starlette.responses import Response

from bookai.errors import Refused
from mcp_server.wire import scrub
from studio.approvals import LinkView
from studio.web.board import check_reason, send_file
from studio.web.card import NOTHING_TYPED, Typed, Viewer, card_of
from studio.web.checks import Origins, check_form_token, read_form
from studio.web.lent import Halt, Lent
from studio.web.media import Shelf
from studio.web.pages import page
from studio.web.session import Attempts
from tools.base import ApprovalRow

_MAX_LINK = 1024
_SIGN_IN = "Ask for a new link, or sign in at the studio's own approval page."


class Links:
    """Answers for /a/TOKEN and the files of its post."""

    def __init__(self, lent: Lent, origins: Origins, attempts: Attempts, shelf: Shelf) -> None:
        self._lent = lent
        self._origins = origins
        self._attempts = attempts
        self._shelf = shelf
        self._key = secrets.token_bytes(32)

    async def show(self, request: Request) -> Response:
        """Answer GET /a/TOKEN; it changes nothing, however often it is asked."""
        return await self._card_page(request)

    async def decide(self, request: Request) -> Response:
        """Answer POST /a/TOKEN: spend the link on a yes or a no."""
        form = await read_form(request)
        token = request.path_params["token"]
        check_form_token(form, self._form_token(token))
        self._origins.check_same_site(request, has_form_token=True)
        approve, reason = form.get("decision") == "approve", form.get("reason", "").strip()
        if not approve and form.get("decision") != "reject":
            raise Halt(400, "Not a form", "The form says neither yes nor no; nothing was done.")
        view = await self._open(request)
        try:
            check_reason(form["decision"], form)
            if approve:
                await self._check_visible(view.approval)
            row = await self._lent.desk.decide_by_link(token, approve, reason)
        except Refused as error:
            return await self._refused(request, scrub(str(error)), Typed(form))
        return page(
            "link_done.html.j2",
            request.url.path,
            row=row,
            by=view.operator,
            visitor=None,
            leads_home=False,
        )

    async def media(self, request: Request) -> Response:
        """Answer GET /a/TOKEN/FILE: the files of this link's post and no others."""
        view = await self._open(request)
        return await send_file(self._lent, self._shelf, view.approval, request, "no-store")

    async def _card_page(
        self, request: Request, alert: str = "", typed: Typed = NOTHING_TYPED
    ) -> Response:
        token = request.path_params["token"]
        view = await self._open(request)
        row = view.approval
        job = await self._lent.load_job(row.job_id)
        problem = await self._shelf.problem(row, job)
        viewer = Viewer(view.operator, self._form_token(token), True, True, view.expires_at)
        return page(
            "card.html.j2",
            request.url.path,
            409 if alert else 200,
            card=card_of(row, job, f"{token}/", scrub(problem)),
            now=self._lent.now(),
            alert=alert,
            typed=typed,
            visitor=viewer,
        )

    async def _refused(self, request: Request, why: str, typed: Typed) -> Response:
        """Say why nothing was recorded: on the card, or without it where the link is dead now."""
        try:
            return await self._card_page(request, why, typed)
        except Halt as gone:
            raise Halt(409, "Not recorded", why) from gone

    async def _open(self, request: Request) -> LinkView:
        """Return what the link shows.

        Raises:
            Halt: it is unknown, used, expired or forged, or too many such were tried.
        """
        token, caller = request.path_params["token"], self._origins.caller(request)
        wait_s = self._attempts.take(caller)
        if wait_s:
            text = "Too many wrong links were tried from your address."
            raise Halt(429, "Wait a little", text, f"Try again in {wait_s:.0f} s.", after_s=wait_s)
        try:
            if len(token) > _MAX_LINK or not token.isascii():
                raise Refused("this is no link of ours.")
            view = await self._lent.desk.open_link(token)
        except Refused as error:
            raise Halt(410, "This link is over", scrub(str(error)), _SIGN_IN) from error
        self._attempts.give_back(caller)
        return view

    async def _check_visible(self, row: ApprovalRow) -> None:
        """Let nobody say yes to a film that he could not have seen."""
        problem = await self._shelf.problem(row, await self._lent.load_job(row.job_id))
        if problem:
            raise Refused(f"Approval {row.approval_id} cannot be approved. {problem}")

    def _form_token(self, link: str) -> str:
        return hmac.new(self._key, link.encode(errors="replace"), hashlib.sha256).hexdigest()
