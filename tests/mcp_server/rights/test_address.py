"""Where the server may listen, and whom it answers there."""

import pytest
from pydantic import ValidationError

from bookai.errors import OperatorNeeded
from bookai.mcp_settings import McpSettings
from mcp_server.rights.access import Access
from mcp_server.rights.binding import HasToken, check_address
from tests.mcp_server.doubles import Studio, Token
from tests.mcp_server.test_http import post

PUBLIC = Access(
    resource="https://studio.example.org/mcp",
    hosts=("studio.example.org",),
    origins=("https://studio.example.org",),
)
LOCAL = "http://127.0.0.1:8931/mcp"


async def held(resource: str) -> bool:
    return True


async def held_by_nobody(resource: str) -> bool:
    return False


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.9.9.9"])
async def test_loopback_needs_nothing_said(host: str) -> None:
    assert await check_address(host, Access(), held_by_nobody)


@pytest.mark.parametrize(
    ("access", "has_token", "mend"),
    [
        (Access(), held, "a proxy with a certificate"),
        (Access("http://10.0.0.5/mcp", ("10.0.0.5",), ("http://10.0.0.5",)), held, "https"),
        (Access(PUBLIC.resource, (), PUBLIC.origins), held, "allowed_hosts"),
        (Access(PUBLIC.resource, PUBLIC.hosts, ()), held, "allowed_origins"),
        (PUBLIC, held_by_nobody, "bookai token create"),
    ],
)
async def test_a_public_address_is_refused_while_a_lock_is_missing(
    access: Access, has_token: HasToken, mend: str
) -> None:
    """Point 19: loopback by default; a public bind needs tokens and explicit lists."""
    for host in ("0.0.0.0", "::", "192.168.1.5", "studio.example.org"):
        with pytest.raises(OperatorNeeded) as caught:
            await check_address(host, access, has_token)
        assert mend in caught.value.mend


async def test_a_public_address_with_every_lock_is_served() -> None:
    assert not await check_address("0.0.0.0", PUBLIC, held)


async def test_only_named_hosts_and_origins_are_answered(studio: Studio) -> None:
    """Point 19: an evil Host is a 421 and an evil Origin a 403; those named in settings pass."""
    studio.access = PUBLIC
    studio.tokens["of-operator"] = Token("alice", frozenset({"approve"}), None, PUBLIC.resource)
    valid = {"authorization": "Bearer of-operator"}
    ours = {"host": "studio.example.org"}
    async with studio.served() as url:
        named = await post(url, valid | ours | {"origin": "https://studio.example.org"})
        host = await post(url, valid | {"host": "evil.example"})
        suffix = await post(url, valid | {"host": "studio.example.org.evil.example"})
        origin = await post(url, valid | ours | {"origin": "https://evil.example"})

    codes = [one.status_code for one in (named, host, suffix, origin)]
    assert codes == [200, 421, 421, 403]


@pytest.mark.parametrize(
    "values",
    [
        {"allowed_hosts": ["*"]},
        {"allowed_hosts": ["https://studio.example.org"]},
        {"allowed_origins": ["studio.example.org"]},
        {"allowed_origins": ["https://*"]},
        {"url": "https://studio.example.org/mcp"},
        {"url": "https://studio.example.org/mcp?x=1", "allowed_hosts": ["studio.example.org"]},
        {"url": "https://a@studio.example.org/mcp", "allowed_hosts": ["studio.example.org"]},
        {"host": "0.0.0.0; rm"},
    ],
)
def test_a_list_that_would_let_anyone_in_is_no_setting(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        McpSettings.model_validate(values)
