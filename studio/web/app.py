"""The approval pages beside MCP: routes, the headers on every answer, errors as pages."""

import logging
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bookai.db.pool import DATABASE_ERRORS
from bookai.errors import BookAIError, OperatorNeeded, TryLater
from mcp_server.serve import PATH, Servable
from mcp_server.wire import scrub
from studio.web.board import Board
from studio.web.checks import Origins
from studio.web.door import Door
from studio.web.lent import Halt, Lent
from studio.web.links import Links
from studio.web.media import Shelf
from studio.web.pages import LINKS, halt_page, static_file
from studio.web.session import Attempts
from studio.web.signed import SignedFiles, Signing

logger = logging.getLogger(__name__)

_HEADERS = {
    "content-security-policy": "default-src 'none'; img-src 'self'; media-src 'self'; "
    "style-src 'self'; script-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-robots-tag": "noindex, nofollow, noarchive",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=()",
    "cache-control": "no-store",
}
_AWAY_S = 10.0

Endpoint = Callable[[Request], Awaitable[Response]]


class FrontDoor:
    """What `bookai serve` offers on one port: MCP at /mcp, the pages everywhere else."""

    def __init__(self, server: Servable, lent: Lent, signing: Signing) -> None:
        self._server = server
        self._lent = lent
        self._signing = signing

    def http_app(self) -> ASGIApp:
        """Return the ASGI app of both."""
        mcp, pages = self._server.http_app(), approval_pages(self._lent, self._signing)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            is_page = scope["type"] == "http" and not _is_mcp(scope["path"])
            await (pages if is_page else mcp)(scope, receive, send)

        return app


def approval_pages(lent: Lent, signing: Signing) -> Starlette:
    """Return the ASGI app of the approval pages and of the files behind signed links."""
    origins, attempts, shelf = Origins(lent.public_url), Attempts(), Shelf(lent.work_dir)
    door = Door(lent, origins, attempts)
    board, links = Board(lent, door, shelf), Links(lent, origins, attempts, shelf)
    files = SignedFiles(lent, signing, shelf)
    app = Starlette(
        routes=[
            _get("/", _home),
            _get("/approvals", board.list_),
            _post("/approvals", board.decide_bundle),
            _get("/approvals/{number}", board.show),
            _post("/approvals/{number}", board.decide),
            _get("/approvals/{number}/{kind}", board.media),
            _get("/sign-in", door.show),
            _post("/sign-in", door.sign_in),
            _post("/sign-out", door.sign_out),
            _get("/a/{token}", links.show),
            _post("/a/{token}", links.decide),
            _get("/a/{token}/{kind}", links.media),
            _get("/m/{token}/{name}", files.send),
            _get("/static/{name}", _static),
        ],
        exception_handlers={HTTPException: _http, BookAIError: _known}
        | dict.fromkeys((TimeoutError, *DATABASE_ERRORS), _away),
        middleware=[Middleware(_Armour, origins=origins)],
    )
    # Its redirects are built from the Host header; ours are all relative.
    app.router.redirect_slashes = False
    return app


class _Armour:
    """Around every answer: only for a host that is ours, with every protective header."""

    def __init__(self, app: ASGIApp, origins: Origins) -> None:
        self._app = app
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        path, is_started = request.url.path, False

        async def armoured(message: Message) -> None:
            nonlocal is_started
            if message["type"] == "http.response.start":
                is_started = True
                headers = MutableHeaders(scope=message)
                if path.startswith(LINKS):
                    headers["referrer-policy"] = "no-referrer"
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        app: ASGIApp = self._app
        if not self._origins.knows_host(request.headers.get("host", "")):
            app = halt_page(_strange_host(request), path)
        try:
            await app(scope, receive, armoured)
        except Exception:
            # A door: whatever broke is in the log, and the visitor has a page.
            logger.exception("A page failed", extra={"action": "page_failed"})
            if is_started:
                raise
            text = "The page failed inside; the studio's log says why."
            halt = Halt(500, "Something broke", text, "Try again; if it stays: bookai doctor")
            await halt_page(halt, path)(scope, receive, armoured)


def _is_mcp(path: str) -> bool:
    return path == PATH or path.startswith((f"{PATH}/", "/.well-known/"))


def _get(path: str, endpoint: Endpoint) -> Route:
    return Route(path, endpoint, methods=["GET"])


def _post(path: str, endpoint: Endpoint) -> Route:
    return Route(path, endpoint, methods=["POST"])


async def _home(request: Request) -> Response:
    return RedirectResponse("approvals", 303)


async def _static(request: Request) -> Response:
    return static_file(request.path_params["name"])


async def _http(request: Request, error: Exception) -> Response:
    """Say in a page what the router says in a word."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 405:
        halt = Halt(405, "Not this way", f"This page is not for {request.method}.")
    else:
        halt = Halt(status, "Nothing here", "There is no such page.", "Go back to the list.")
    return halt_page(halt, request.url.path)


async def _known(request: Request, error: Exception) -> Response:
    match error:
        case Halt():
            halt = error
        case TryLater():
            text = scrub(str(error))
            halt = Halt(503, "Not now", text, "Try again.", after_s=error.after_s)
        case OperatorNeeded():
            halt = Halt(503, "Someone is needed", scrub(str(error)))
        case _:
            halt = Halt(409, "Not done", scrub(str(error)))
    return halt_page(halt, request.url.path)


async def _away(request: Request, error: Exception) -> Response:
    logger.warning(
        "The database failed a page: %s", type(error).__name__, extra={"action": "page_no_database"}
    )
    text = "The database does not answer; nothing is certain about what you sent."
    halt = Halt(503, "The studio is away", text, "Look again in a moment.", after_s=_AWAY_S)
    return halt_page(halt, request.url.path)


def _strange_host(request: Request) -> Halt:
    name = request.headers.get("host", "")[:80]
    return Halt(
        421,
        "Not this name",
        f"The studio does not answer for {name!r}.",
        "Use http://127.0.0.1 with the port, or set public_url in studio.toml.",
    )
