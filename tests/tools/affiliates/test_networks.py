"""What every file in tools/affiliates/ keeps, and what the bundled one does."""

import csv
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

import studio
import tools.affiliates
from bookai.errors import Refused
from bookai.plugins import load_plugins
from bookai.text.product_list import parse_products
from tools.affiliates.base import Network
from tools.affiliates.catalogue import NETWORK

NETWORKS = load_plugins(tools.affiliates, "NETWORK", Network)
CATALOGUE = Path(studio.__path__[0]) / "catalogue" / "offers.csv"
each_network = pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS.keys())


@each_network
def test_a_link_carries_the_sub_id_and_is_the_same_each_time(network: Network) -> None:
    link = network.tracked_url("https://example.com/shop/clock", "v7p1")

    assert urlsplit(link).scheme in ("http", "https")
    assert "v7p1" in link
    assert link == network.tracked_url("https://example.com/shop/clock", "v7p1")


@pytest.mark.parametrize(
    ("url", "tracked"),
    [
        ("https://example.com/a", "https://example.com/a?subid=v7p1"),
        ("https://example.com/a?b=1&b=2#c", "https://example.com/a?b=1&b=2&subid=v7p1#c"),
        ("https://example.com/?subid=theirs", "https://example.com/?subid=v7p1"),
    ],
)
def test_the_shops_own_query_stays(url: str, tracked: str) -> None:
    assert NETWORK.tracked_url(url, "v7p1") == tracked


@pytest.mark.parametrize("url", ["javascript:alert(1)", "/shop", "ftp://example.com/x", "https://"])
def test_only_web_addresses_are_tracked(url: str) -> None:
    with pytest.raises(Refused):
        NETWORK.tracked_url(url, "v7p1")


@pytest.mark.parametrize("sub_id", ["", "V7", "v7&x=1", "v" * 25])
def test_a_sub_id_that_a_network_would_spoil_is_refused(sub_id: str) -> None:
    with pytest.raises(Refused):
        NETWORK.tracked_url("https://example.com/a", sub_id)


def test_the_bundled_catalogue_is_large_varied_and_leads_to_no_real_shop() -> None:
    products = parse_products(CATALOGUE.read_bytes(), CATALOGUE.name)

    assert len(products) >= 200
    assert len({product.category for product in products}) >= 15
    assert {urlsplit(product.url).hostname for product in products} == {"example.com"}
    assert {product.network for product in products} <= set(NETWORKS)
    assert len({product.url for product in products}) == len(products)
    assert not any(parse_qs(urlsplit(product.url).query) for product in products)
    with CATALOGUE.open(encoding="utf-8", newline="") as file:
        assert sum(1 for _ in csv.reader(file)) == len(products) + 1
