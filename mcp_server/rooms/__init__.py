"""What a client can read, watch and be asked to do besides calling tools."""

from mcp_server.rooms.completing import add_completion
from mcp_server.rooms.lent import FileKind, Library, SignedLink, Signer, Wire
from mcp_server.rooms.news import NewsBus
from mcp_server.rooms.prompts import add_prompts
from mcp_server.rooms.resources import add_resources
from mcp_server.rooms.rights import Readers
from mcp_server.rooms.watching import add_watching

__all__ = [
    "FileKind",
    "Library",
    "NewsBus",
    "Readers",
    "SignedLink",
    "Signer",
    "Wire",
    "add_completion",
    "add_prompts",
    "add_resources",
    "add_watching",
]
