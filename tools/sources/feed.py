from bookai.errors import Refused
from tools.sources.base import Clue, Material, Reading, Source
from tools.sources.intake.syndication import parse_feed

_ROOTS = ("rss", "feed", "rdf:rdf", "rdf")


class FeedSource(Source):
    """RSS, Atom and RDF. A feed is not one article: the scout chooses one of its items."""

    name = "feed"
    rank = 10

    def matches(self, clue: Clue) -> bool:
        return clue.root in _ROOTS

    def read(self, material: Material) -> Reading:
        feed = parse_feed(material)
        raise Refused(
            f"{material.where} is a feed of {len(feed.items)} items, not one article: "
            "read it with search_sources(feed=…)."
        )


SOURCE = FeedSource()
