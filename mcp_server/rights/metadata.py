"""The document that tells a stranger which tokens open this server (RFC 9728)."""

from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mcp_server.rights.scopes import SCOPES, on_wire

WELL_KNOWN = "/.well-known/oauth-protected-resource"
_FOR_ANYONE = {"access-control-allow-origin": "*", "cache-control": "max-age=300"}


def metadata_url(resource: str) -> str:
    """Return where the document of a resource lies: the well-known part goes before its path."""
    parts = urlsplit(resource)
    return f"{parts.scheme}://{parts.netloc}{WELL_KNOWN}{parts.path.rstrip('/')}"


def metadata_routes(resource: str) -> list[Route]:
    """Return the routes of the document: beside the resource's path, and at the root.

    It names no authorization server, for there is none: tokens are made on the studio's machine.
    """
    told: dict[str, Any] = {
        "resource": resource,
        "resource_name": "BookAI Studio",
        "scopes_supported": on_wire(SCOPES),
        "bearer_methods_supported": ["header"],
    }

    async def tell(request: Request) -> Response:
        return JSONResponse(told, headers=_FOR_ANYONE)

    paths = dict.fromkeys((urlsplit(metadata_url(resource)).path, f"{WELL_KNOWN}/mcp", WELL_KNOWN))
    return [Route(path, tell, methods=["GET"]) for path in paths]
