"""Products without a network between: the shop itself reads the sub-id from its own URL."""

import re
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from bookai.errors import Refused
from tools.affiliates.base import Network

PARAMETER = "subid"


class Catalogue(Network):
    name = "catalogue"

    def tracked_url(self, product_url: str, sub_id: str) -> str:
        parts = urlsplit(product_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Refused(f"{product_url!r} is not an http or https URL: correct the product.")
        if not re.fullmatch(r"[a-z0-9]{1,24}", sub_id):
            raise Refused(f"{sub_id!r} is no sub-id: 1 to 24 lower-case letters and digits.")
        query = [
            pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != PARAMETER
        ]
        return urlunsplit(parts._replace(query=urlencode([*query, (PARAMETER, sub_id)])))


NETWORK = Catalogue()
