from tools.sources.base import Clue, Material, Reading, Source
from tools.sources.intake.blocks import split_blocks
from tools.sources.intake.decode import text_of
from tools.sources.intake.front_matter import reading_from, split_front_matter

LONGEST_HEADING = 120


class PlainText(Source):
    """Text with blank lines between its paragraphs; reads whatever no other kind knows."""

    name = "plain_text"
    rank = 100

    def matches(self, clue: Clue) -> bool:
        return True

    def read(self, material: Material) -> Reading:
        values, text = split_front_matter(text_of(material))
        paragraphs = split_blocks(text)
        title = ""
        if len(paragraphs) > 1 and _is_heading(paragraphs[0]):
            title, *paragraphs = paragraphs
        return reading_from(values, tuple(paragraphs), title=title, name=material.clue.name)


def _is_heading(paragraph: str) -> bool:
    return len(paragraph) <= LONGEST_HEADING and not paragraph.rstrip().endswith(
        (".", "!", ":", ";", ",", "…", "。")
    )


SOURCE = PlainText()
