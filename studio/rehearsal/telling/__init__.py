"""What came of a rehearsal, read from the studio's own rows and from the peers' side."""

from studio.rehearsal.telling.report import gather

__all__ = ["gather"]
