from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookai.errors import OperatorNeeded
from tools.net.addresses import read_allowed, why_not_public

PRIVATE = (
    "0.0.0.0",
    "10.0.0.5",
    "100.64.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "172.31.255.255",
    "192.0.0.8",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:10.0.0.1",
    "2002:a00:1::1",
    "64:ff9b::a00:1",
    "64:ff9b:1::a00:1",
    "2606:4700::5efe:10.0.0.1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:db8::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
)
PUBLIC = ("8.8.8.8", "93.184.216.34", "2606:4700::1111", "64:ff9b::808:808", "2002:808:808::1")


@pytest.mark.parametrize("text", PRIVATE)
def test_an_address_that_is_not_public_is_told(text: str) -> None:
    assert why_not_public(ip_address(text)) is not None


@pytest.mark.parametrize("text", PUBLIC)
def test_a_public_address_is_public_in_every_clothing(text: str) -> None:
    assert why_not_public(ip_address(text)) is None


@given(st.ip_addresses(v=4))
def test_an_address_that_python_calls_private_is_never_public(address: object) -> None:
    v4 = ip_address(str(address))
    if not v4.is_global or v4.is_multicast:
        assert why_not_public(v4) is not None


@given(st.ip_addresses(v=4))
def test_wrapping_an_address_in_ipv6_changes_nothing(address: object) -> None:
    number = int(ip_address(str(address)))
    kind = why_not_public(ip_address(str(address)))

    for wrapped in (0xFFFF << 32 | number, 0x64FF9B << 96 | number, 0x2002 << 112 | number << 80):
        assert why_not_public(ip_address(wrapped.to_bytes(16, "big"))) == kind


@pytest.mark.parametrize(
    ("entry", "host", "port", "address", "allowed"),
    [
        ("nas.local", "nas.local", 80, "10.0.0.5", True),
        ("NAS.local", "nas.local.", 8080, "10.0.0.5", True),
        ("nas.local:8080", "nas.local", 80, "10.0.0.5", False),
        ("nas.local", "other.local", 80, "10.0.0.5", False),
        ("10.0.0.5", "other.local", 80, "10.0.0.5", True),
        ("10.0.0.5:8080", "10.0.0.5", 8080, "10.0.0.5", True),
        ("10.0.0.5:8080", "10.0.0.5", 22, "10.0.0.5", False),
        ("10.0.0.0/8", "x", 80, "10.200.0.1", True),
        ("10.0.0.0/8", "x", 80, "::ffff:10.200.0.1", True),
        ("10.0.0.0/8", "x", 80, "11.0.0.1", False),
        ("::1", "x", 80, "::1", True),
        ("[::1]:8080", "x", 8080, "::1", True),
        ("[::1]:8080", "x", 8081, "::1", False),
        ("fd00::/8", "x", 80, "fd12::1", True),
    ],
)
def test_an_entry_allows_just_what_it_names(
    entry: str, host: str, port: int, address: str, allowed: bool
) -> None:
    assert read_allowed(entry).permits(host, port, ip_address(address)) is allowed


@pytest.mark.parametrize("entry", ["", "http://nas.local", "a b", "10.0.0.0/99", "u@h"])
def test_an_entry_that_is_no_host_names_the_mend(entry: str) -> None:
    with pytest.raises(OperatorNeeded) as caught:
        read_allowed(entry)

    assert "studio.toml" in caught.value.mend
