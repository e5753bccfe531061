"""What the studio lends to the readers of its MCP resources."""

from studio.rooms.capabilities import look
from studio.rooms.library import StudioLibrary

__all__ = ["StudioLibrary", "look"]
