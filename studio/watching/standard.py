"""What makes the studio's own processes ready."""

from collections.abc import Mapping
from dataclasses import dataclass

from bookai.db import processes
from bookai.db.keeping.schema import load
from bookai.db.processes import Kind, Standing
from bookai.house import migrations_dir
from studio.office import Office
from studio.watching.health import Health

SILENT_S = 10.0
"""A worker with a free place asks twice a second."""


def health_of(office: Office, kind: Kind) -> Health:
    """Return what a process of this kind needs to do its work.

    The database within two seconds, with the schema that this code knows. For whoever works, also
    a worker that asks the queue for work, and a disk with room; for the loop, a leader: this
    process or another.
    """
    looks = {"database": _Database(office, kind, load(migrations_dir())[-1].version).look}
    if kind != "mcp":
        looks["worker"] = _Worker(office).look
    return Health(looks, office.database.pool)


@dataclass(frozen=True, slots=True)
class _Database:
    office: Office
    kind: Kind
    schema: int

    async def look(self) -> Mapping[str, str | None]:
        found = await processes.stand(self.office.database.pool, self.schema)
        wrong = {"database": None, "schema": self._schema(found)}
        if self.kind != "mcp":
            wrong["disk"] = (
                "it is nearly full, so no videos are made. Free some space: bookai doctor"
                if found.disk_is_full
                else None
            )
        if self.kind == "loop":
            wrong["leader"] = None if found.leader else "nobody leads the loop"
        return wrong

    def _schema(self, found: Standing) -> str | None:
        if found.schema >= self.schema and found.strange is None:
            return None
        at = found.strange or found.schema
        return f"it is at {at:03d}, this process knows {self.schema:03d}: start it again"


@dataclass(frozen=True, slots=True)
class _Worker:
    office: Office

    async def look(self) -> Mapping[str, str | None]:
        pulse = self.office.engine.pulse
        if not pulse.hands:
            return {"worker": "no worker is open"}
        if (silence_s := pulse.silence_s()) > SILENT_S:
            return {"worker": f"it has not asked the queue for work for {silence_s:.0f} s"}
        return {"worker": None}
