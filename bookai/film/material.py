"""What a film may be made of beside its words, and the look that a channel gives it."""

import re
from typing import Literal

from pydantic import Field, field_validator

from bookai.records import Record

HEX = re.compile(r"#[0-9a-fA-F]{6}")


class Media(Record):
    """A picture or clip that may be shown, with the rights that were told for it.

    `path` lies inside the job's folder; `sha256` is that of the file. `words` say what it shows
    (its caption in the source, the operator's note): the shot compiler matches them.
    """

    kind: Literal["image", "clip"]
    path: str
    sha256: str
    words: str = ""
    licence: str = Field(min_length=1)
    credit: str = ""
    origin: Literal["source", "operator"]


class Material(Record):
    """All of it. `source` is the article's text, for figures that stand around a sentence."""

    source: str = ""
    media: tuple[Media, ...] = ()


class BrandKit(Record):
    """A channel's look: colours as #rrggbb, font and logo as files of the operator's own.

    `ink` and `paper` are the text's colours, `deep` and `main` the grounds', `accent` marks. All
    empty: the studio's own palettes, one by the title. Contrast is checked where it is read.
    """

    ink: str = ""
    deep: str = ""
    main: str = ""
    paper: str = ""
    accent: str = ""
    font: str = ""
    logo: str = ""

    @field_validator("ink", "deep", "main", "paper", "accent")
    @classmethod
    def _is_colour(cls, value: str) -> str:
        if value and not HEX.fullmatch(value):
            raise ValueError(f"{value!r} is no colour: write it as '#1a2b3c'")
        return value.lower()
