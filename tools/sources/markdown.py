from tools.sources.base import Clue, Material, Reading, Source
from tools.sources.intake.blocks import split_blocks
from tools.sources.intake.decode import text_of
from tools.sources.intake.front_matter import reading_from, split_front_matter
from tools.sources.intake.markup import first_heading, strip_markdown


class Markdown(Source):
    """Markdown as static sites write it, with its front matter; only the prose is kept."""

    name = "markdown"
    rank = 30

    def matches(self, clue: Clue) -> bool:
        return clue.content_type in ("text/markdown", "text/x-markdown") or clue.named(
            ".md", ".markdown", ".mdown", ".mkd"
        )

    def read(self, material: Material) -> Reading:
        values, text = split_front_matter(text_of(material))
        paragraphs = tuple(split_blocks(strip_markdown(text)))
        return reading_from(values, paragraphs, title=first_heading(text), name=material.clue.name)


SOURCE = Markdown()
