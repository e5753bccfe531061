"""Closed word lists for finding the noun behind a number and the name of a thing (English)."""


def _words(text: str) -> list[str]:
    return text.split()


STOPWORDS = frozenset(
    _words(
        """a about above across after again against ago all almost alone along already also
        although always am among an and another any anyone anything are around as ask asked at
        away back be became because become been before began behind being below best better
        between beyond both but by call called came can cannot come comes could decided did do
        does doing done down during each early either else end ended ends enough even ever every
        everyone everything far few fewer first for found from gave get gets give given go goes
        going gone got had has have having he held help her here hers him his how however i if
        in into is it its itself just keep keeps kept knew know known last later least less let
        like little long longer look made make makes making many may me mean means meant might
        mine more most much must my near need needs neither never new next no nor not nothing
        now of off often old on once one only onto or other others our out over own per perhaps
        put quite rather really said same saw say says see seem seems seen several shall she
        should show shows since so some something soon still such take taken takes tell than
        that the their them then there these they thing things think this those though through
        thus to today together told too took toward towards turn two under until up upon us use
        used uses using very voted want wanted wants was way we well went were what when where
        whether which while who whole whom whose why will with within without would yes yet you
        your"""
    )
)
CONNECTORS = frozenset(_words("of on and the for de la du von van der den del di da"))
DATE_WORDS = frozenset(
    _words(
        """January February March April May June July August September October November December
    Monday Tuesday Wednesday Thursday Friday Saturday Sunday"""
    )
)
# Longest first: "more than" must win over nothing, "no more than" over "more than".
QUALIFIERS = tuple(
    sorted(
        """no more than|more than|less than|fewer than|at least|at most|up to|as many as|as few as
        |almost|nearly|about|around|roughly|over|under|only|just|some|by|since|until|before|after
        |from|in|every|another|an extra|approximately|by the end of|as early as|as late as
        |no later than|not""".replace("\n", "")
        .replace("  ", "")
        .split("|"),
        key=len,
        reverse=True,
    )
)
TEENS = frozenset(_words("ago apart away each later old"))
# "category 1 hurricane" is not one hurricane.
NUMBERED = frozenset(
    _words(
        """article bus category chapter class day flight floor grade group highway level line
        magnitude no number page part phase point room round route season section series stage
        step table tier top type version volume week"""
    )
)
NO_LABELS = DATE_WORDS | frozenset(_words("UTC GMT EST CET a.m p.m am pm"))
