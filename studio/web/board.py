"""The pages of those who are signed in: what waits, one card, and the word that is said on it."""

from collections.abc import Mapping
from contextlib import suppress

from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from bookai.errors import Refused
from bookai.models import PostEdit
from mcp_server.wire import scrub
from studio.web.card import NOTHING_TYPED, Typed, Viewer, card_of
from studio.web.door import Door, Visitor
from studio.web.lent import Halt, Lent
from studio.web.media import KINDS, MEDIA_TYPES, Kind, Shelf
from studio.web.pages import page
from tools.base import ApprovalRow

STATES = ("pending", "approved", "rejected", "expired", "void")
MOST_LISTED = 50
_BIGGEST_ID = 2**63 - 1
_APPROVE, _REJECT = "approve", "reject"


class Board:
    """Answers for /approvals and what lies below."""

    def __init__(self, lent: Lent, door: Door, shelf: Shelf) -> None:
        self._lent = lent
        self._door = door
        self._shelf = shelf

    async def list_(self, request: Request) -> Response:
        """Answer GET /approvals."""
        visitor = await self._door.visitor(request)
        if visitor is None:
            return self._door.ask(request)
        state = request.query_params.get("state", STATES[0])
        if state not in STATES:
            raise Halt(404, "Nothing here", f"No approval is {state[:40]!r}.")
        return await self._list_page(request, visitor, state)

    async def decide_bundle(self, request: Request) -> Response:
        """Answer POST /approvals: one word on several posts, each row told of its own outcome."""
        visitor, form = await self._door.posted(request)
        await self._check_may_decide(visitor)
        approve, reject = _bundle(form)
        try:
            _check_bundle(approve, reject)
            for number in approve:
                await self._check_visible(number)
            report = await self._lent.desk.decide_bundle(
                approve, reject, form.get("reason", "").strip(), visitor.principal.name, via="web"
            )
        except Refused as error:
            alert = f"Nothing was done: {scrub(str(error))}"
            return await self._list_page(request, visitor, STATES[0], alert, Typed(form))
        rows: dict[int, ApprovalRow] = {}
        for one in report.rows:
            with suppress(Refused):
                rows[one.approval_id] = await self._lent.desk.get_approval(one.approval_id)
        return page(
            "bundle.html.j2", request.url.path, report=report, rows=rows, visitor=_viewer(visitor)
        )

    async def show(self, request: Request) -> Response:
        """Answer GET /approvals/ID."""
        visitor = await self._door.visitor(request)
        if visitor is None:
            return self._door.ask(request)
        return await self._card_page(request, visitor, await self._row(_number(request)))

    async def decide(self, request: Request) -> Response:
        """Answer POST /approvals/ID: a yes, a no, or a yes to changed words."""
        visitor, form = await self._door.posted(request)
        await self._check_may_decide(visitor)
        number, said = _number(request), form.get("decision", "")
        if said not in (_APPROVE, _REJECT, "edit"):
            raise Halt(400, "Not a form", "The form says neither yes nor no; nothing was done.")
        row = await self._row(number)
        try:
            check_reason(said, form)
            if said != _REJECT:
                await self._check_visible(number)
            row = await self._lent.desk.decide_approval(
                number,
                said != _REJECT,
                form.get("reason", "").strip(),
                visitor.principal.name,
                edit=_edit(form, row) if said == "edit" else None,
                via="web",
            )
        except Refused as error:
            # Read again: somebody else may have been first, and the card says who.
            row, alert = await self._row(number), scrub(str(error))
            return await self._card_page(request, visitor, row, alert, Typed(form))
        return RedirectResponse(str(row.approval_id), 303)

    async def media(self, request: Request) -> Response:
        """Answer GET /approvals/ID/FILE."""
        visitor = await self._door.visitor(request)
        if visitor is None:
            return self._door.ask(request)
        row = await self._row(_number(request))
        return await send_file(self._lent, self._shelf, row, request, "private, max-age=600")

    async def _list_page(
        self,
        request: Request,
        visitor: Visitor,
        state: str,
        alert: str = "",
        typed: Typed = NOTHING_TYPED,
    ) -> Response:
        rows = await self._lent.desk.list_approvals(state, MOST_LISTED)
        return page(
            "list.html.j2",
            request.url.path,
            422 if alert else 200,
            rows=rows,
            state=state,
            states=STATES,
            most=MOST_LISTED,
            now=self._lent.now(),
            alert=alert,
            typed=typed,
            visitor=_viewer(visitor),
        )

    async def _card_page(
        self,
        request: Request,
        visitor: Visitor,
        row: ApprovalRow,
        alert: str = "",
        typed: Typed = NOTHING_TYPED,
    ) -> Response:
        job = await self._lent.load_job(row.job_id)
        problem = await self._shelf.problem(row, job)
        return page(
            "card.html.j2",
            request.url.path,
            409 if alert else 200,
            card=card_of(row, job, f"{row.approval_id}/", scrub(problem)),
            now=self._lent.now(),
            alert=alert,
            typed=typed,
            visitor=_viewer(visitor),
        )

    async def _row(self, number: int) -> ApprovalRow:
        try:
            return await self._lent.desk.get_approval(number)
        except Refused as error:
            raise Halt(404, "Nothing here", scrub(str(error))) from error

    async def _check_visible(self, number: int) -> None:
        """Let nobody say yes to a film that he could not have seen."""
        row = await self._row(number)
        if row.state != "pending":
            return
        problem = await self._shelf.problem(row, await self._lent.load_job(row.job_id))
        if problem:
            raise Refused(f"Approval {number} cannot be approved. {scrub(problem)}")

    async def _check_may_decide(self, visitor: Visitor) -> None:
        who = visitor.principal
        if who.may("approve"):
            return
        await self._lent.record("web.refused", who.name, {"needs": "approve"})
        raise Halt(
            403,
            "Not allowed",
            f"The token of {who.name} may look, but not decide; nothing was done.",
            "Make one that may: bookai token create NAME --scope read --scope approve",
        )


async def send_file(
    lent: Lent, shelf: Shelf, row: ApprovalRow, request: Request, caching: str
) -> Response:
    """Return a file of a post, whole or the range that was asked for.

    Raises:
        Halt: there is no such file, or it is not the one that the approval names.
    """
    kind = _kind(request.path_params["kind"])
    try:
        path = await shelf.find(row, await lent.load_job(row.job_id), kind)
    except Refused as error:
        raise Halt(404, "Nothing to show", scrub(str(error))) from error
    headers = {"cache-control": caching, "content-disposition": "inline"}
    return FileResponse(path, media_type=MEDIA_TYPES[kind], headers=headers)


def check_reason(said: str, form: Mapping[str, str]) -> None:
    """Refuse a no without a reason, in a page's own words."""
    if said == _REJECT and not form.get("reason", "").strip():
        raise Refused("Nothing was done: say why you reject it. The next draft learns from it.")


def _viewer(visitor: Visitor) -> Viewer:
    who = visitor.principal
    return Viewer(who.name, visitor.session.form_token, who.may("approve"))


def _kind(name: str) -> Kind:
    for kind in KINDS:
        if kind == name:
            return kind
    raise Halt(404, "Nothing here", "An approval has a video, a thumbnail and captions.")


def _number(request: Request) -> int:
    text = request.path_params["number"]
    if not (text.isascii() and text.isdecimal()) or not 0 < int(text[:20]) <= _BIGGEST_ID:
        raise Halt(404, "Nothing here", f"An approval has a number, not {text[:40]!r}.")
    return int(text)


def _bundle(form: Mapping[str, str]) -> tuple[list[int], dict[int, str]]:
    """Return what was ticked: the numbers to approve, and those to reject with their reasons."""
    approve: list[int] = []
    reject: dict[int, str] = {}
    for name, said in form.items():
        number = name.removeprefix("decide-")
        if number == name or not (number.isascii() and number.isdecimal() and len(number) <= 18):
            continue
        if said == _APPROVE:
            approve.append(int(number))
        elif said == _REJECT:
            reject[int(number)] = form.get(f"reason-{number}", "").strip()
    return approve, reject


def _check_bundle(approve: list[int], reject: Mapping[int, str]) -> None:
    """Refuse a bundle in which nothing was chosen, or a no has no reason."""
    if not approve and not reject:
        raise Refused("you chose neither yes nor no for any post.")
    unexplained = ", ".join(str(number) for number, reason in reject.items() if not reason)
    if unexplained:
        raise Refused(f"say why you reject {unexplained}; the next draft learns from it.")


def _edit(form: Mapping[str, str], row: ApprovalRow) -> PostEdit:
    """Return what was changed; a field that says what it said before is none."""
    post = row.post
    title = " ".join(form.get("title", post.title).split())
    caption = form.get("caption", post.caption).strip()
    hashtags = tuple(form.get("hashtags", " ".join(post.hashtags)).split())
    return PostEdit(
        title=None if title == post.title else title,
        caption=None if caption == post.caption.strip() else caption,
        hashtags=None if hashtags == post.hashtags else hashtags,
    )
