"""A call that became a task ends with its card like any other."""

from collections.abc import Sequence

from mcp.client import Client, advertise
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID

from bookai.db.mcp.tasks import Tasks
from bookai.db.pool import Pool
from bookai.mcp_tasks.client import Patient
from mcp_server.auth import Principal
from mcp_server.cards import Cards, CardSheet
from mcp_server.rooms import SignedLink
from mcp_server.rooms.lent import FileKind
from mcp_server.server import build_server
from tests.mcp_server.doubles import ALICE, Studio
from tests.mcp_server.tasks.shop import QUICK
from tests.mcp_server.test_cards import CARD


async def test_a_task_ends_with_its_card(pool: Pool, dsn: str) -> None:
    async def deck(principal: Principal, numbers: Sequence[int]) -> tuple[CardSheet, ...]:
        return (CARD,)

    async def signer(job_id: int, kind: FileKind, principal: Principal) -> SignedLink:
        raise AssertionError("nothing is signed here")

    studio = Studio()
    server = build_server(
        studio.tools.values(),
        make_context=studio.context,
        audit=studio.audit,
        principal=ALICE,
        tasks=Tasks(pool, dsn),
        task_terms=QUICK,
        always_tasks={"list_approvals"},
        cards=Cards(deck, signer, "http://127.0.0.1:8931"),
    )
    apps = advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]})
    async with Client(server, extensions=[Patient(), apps]) as client:
        result = await client.call_tool("list_approvals", {})

    assert (result.meta or {})["bookai/cards"] == [CARD.model_dump(mode="json")]
    assert await pool.fetchval("SELECT count(*) FROM mcp_tasks") == 1
