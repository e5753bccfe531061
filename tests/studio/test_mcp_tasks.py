from mcp.client import Client

from bookai.mcp_tasks import EXTENSION
from bookai.mcp_tasks.client import Patient
from bookai.settings import Settings
from mcp_server.guard import AGENTS, operator_here
from studio.office import open_office
from studio.wiring import tool_server
from tools.base import StudioStatus


async def test_the_studio_offers_tasks_to_operators_and_its_own_agents_do_without(
    settings: Settings,
) -> None:
    async with open_office(settings) as office:
        operators = tool_server(office, operator_here("operator:test"))
        async with Client(operators, extensions=[Patient()]) as client:
            offered = client.server_capabilities.extensions
            answer = await client.call_tool("get_status", {})
        async with Client(tool_server(office, AGENTS)) as client:
            for_agents = client.server_capabilities.extensions

    assert offered is not None
    assert offered[EXTENSION] == {}
    assert StudioStatus.model_validate(answer.structured_content).jobs == {}
    assert not for_agents
