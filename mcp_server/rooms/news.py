"""From a row that changed to the addresses whose readers should look again."""

from collections.abc import Callable

from mcp.server.subscriptions import InMemorySubscriptionBus
from mcp.shared.subscriptions import ResourceUpdated, ServerEvent

from bookai.models import Change
from mcp_server.rooms import addresses
from mcp_server.rooms.addresses import Room
from mcp_server.rooms.lent import Wire

_OF_JOB: dict[str, tuple[Room, ...]] = {
    "job": (addresses.JOB,),
    "content": (addresses.SCRIPT, addresses.THUMBNAIL, addresses.VIDEO),
    "approval": (addresses.JOB,),
    "post": (addresses.JOB,),
}
_LISTS: dict[str, tuple[Room, ...]] = {
    "job": (addresses.JOBS, addresses.STATUS),
    "approval": (addresses.APPROVALS, addresses.STATUS),
    "post": (addresses.PUBLICATIONS, addresses.STATUS),
}


def touched(change: Change) -> tuple[str, ...]:
    """Return the addresses of what shows this change."""
    rooms = _OF_JOB[change.what] + (_OF_JOB["content"] if change.content else ())
    found = [room.at(change.job_id) for room in rooms]
    if change.what == "approval":
        found.append(addresses.APPROVAL.at(change.number))
    return (*found, *(room.uri for room in _LISTS[change.what]))


class NewsBus(InMemorySubscriptionBus):
    """The SDK's bus, fed from the database: whichever process changes a row, all readers hear.

    What a server publishes itself (`ctx.notify_…`) reaches its own listeners only; the studio
    publishes nothing that way.
    """

    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self._wire = wire

    def subscribe(self, listener: Callable[[ServerEvent], None]) -> Callable[[], None]:
        """Tell `listener` of what is published here and of what changes anywhere."""

        def hear(change: Change) -> None:
            for uri in touched(change):
                listener(ResourceUpdated(uri))

        end_here, end_there = super().subscribe(listener), self._wire.subscribe(hear)

        def end() -> None:
            end_here()
            end_there()

        return end
