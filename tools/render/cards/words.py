"""Cards of words alone: title, quotation, definition, key phrase, end."""

import numpy as np

from tools.render.cards.card import Card, Part, Piece
from tools.render.cards.marks import emblem, logo
from tools.render.cards.setter import Setter, Where, opened
from tools.render.typography import BLACK, BOLD, MEDIUM, Style

AI_LABEL = "AI-made"
LABEL_S = 0.75  # the header says so all the time: here it moves when all else stands
MOST_QUOTE_CHARS = 400


def title_card(setter: Setter, title: str, brand: str) -> Card:
    """Set the hook: who speaks, and what about."""
    width, height = setter.stage[2:]
    px = setter.px
    where = setter.where(title)
    kicker = setter.pill(brand, 36, where.below(px(8)))
    largest = 210 if height > width else 168
    setting = setter.fit(title, BLACK, (width, height - px(176)), (largest, 56), 1.02)
    body = where.below(px(116))
    colours = (setter.ground.text, setter.ground.strong)
    lines = setter.block(setting, body, 1.02, delay=setter.frames(0.07), colours=colours)
    foot = body.below(setter.height(setting, 1.02) + px(44))
    return Card((kicker, *lines, setter.rule(foot, setter.frames(0.45))))


def quote_card(setter: Setter, text: str, who: str) -> Card:
    """Set a quotation with its marks and its speaker."""
    width, height = setter.stage[2:]
    px = setter.px
    where = setter.where(text)
    sign = Style(px(380), BLACK)
    mark = setter.face.mask("“", sign)
    # The mark hangs in the upper third of its line: cut the empty rest away.
    inked = np.flatnonzero(mark.any(axis=1))
    mark = mark[inked[0] & ~1 : (inked[-1] + 2) & ~1]
    if where.mirrored:
        mark = np.ascontiguousarray(mark[:, ::-1])
    high = mark.shape[0]
    room = height - high - px(130 if who else 44)
    least = 34 if room > px(300) else 28
    setting = setter.fit(text[:MOST_QUOTE_CHARS], BOLD, (width, room), (104, least), 1.16)
    tall = high + px(34) + setter.height(setting, 1.16) + (px(86) if who else 0)
    where = where.below(max(0, min((height - tall) // 2, px(60))))
    x = where.place(mark.shape[1], setter.face.bearing("“", sign))
    parts: list[Piece] = [setter.form(mark, setter.ground.strong, (x, where.y), 0, "pop")]
    body = where.below(high + px(34))
    parts += setter.block(setting, body, 1.16, delay=setter.frames(0.13))
    if who:
        foot = body.below(setter.height(setting, 1.16) + px(30))
        parts.append(setter.rule(foot.below(px(18)), setter.frames(0.4), 72))
        name = setter.one(who, MEDIUM + 50, 48, width - px(100))
        aside = foot.below(-px(10), inset=px(100))
        parts += setter.block(name, aside, 1.0, delay=setter.frames(0.43))
    return Card(parts)


def phrase_card(setter: Setter, phrase: str) -> Card:
    """Set a name or key phrase of the sentence."""
    width, height = setter.stage[2:]
    px = setter.px
    phrase = opened(phrase)
    largest = 200 if height > 0.6 * width else 190
    setting = setter.fit(phrase, BLACK, (width, height - px(90)), (largest, 56), 1.04)
    tall = setter.height(setting, 1.04)
    where = setter.where(phrase, max(px(60), (height - tall) // 2))
    return Card(
        (
            setter.rule(where.below(-px(44))),
            *setter.block(setting, where, 1.04, delay=setter.frames(0.1)),
        )
    )


def definition_card(setter: Setter, term: str, meaning: str) -> Card:
    """Set a term and, a moment later, what it means."""
    width, height = setter.stage[2:]
    px = setter.px
    wide = width > 2 * height
    where = setter.where(term + meaning)
    head = setter.fit(term, BLACK, (width, round(height * 0.42)), (150, 48), 1.04)
    used = setter.height(head, 1.04) + px(88)
    measure = min(width, px(1300)) if wide else width
    body = setter.fit(meaning, MEDIUM, (measure, height - used), (72, 32), 1.24)
    tall = used + setter.height(body, 1.24)
    where = where.below(max(0, min((height - tall) // 2, px(110))))
    colours = (setter.ground.strong, setter.ground.strong)
    parts: list[Piece] = setter.block(head, where, 1.04, colours=colours)
    rule = where.below(setter.height(head, 1.04) + px(30))
    parts.append(setter.rule(rule, setter.frames(0.3)))
    lower = where.below(used)
    if where.mirrored:
        lower = Where(lower.x + width - measure, lower.y, measure, mirrored=True)
    parts += setter.block(body, lower, 1.24, delay=setter.frames(0.4))
    return Card(parts)


def end_card(setter: Setter, brand: str, credit: str, logo_path: str = "") -> Card:
    """Set the last two seconds: who made it, from what, and that a machine did."""
    width, height = setter.stage[2:]
    px = setter.px
    where = setter.where(credit or brand)  # the brand may be written in another script
    size = px(148) & ~1
    if logo_path:
        mark = logo(logo_path, min(px(420), width // 2), size)
    else:
        mark = emblem(size, setter.ground.strong, setter.ground.text)
    parts: list[Part] = [
        Piece(mark, where.place(mark.width), where.y + px(20) & ~1, setter.pace, 0, "pop"),
        setter.pill(
            AI_LABEL, 38, where.below(px(86), inset=mark.width + px(30)), setter.frames(LABEL_S)
        ),
    ]
    room = max(px(64), min(px(230), height - px(330)))
    name = setter.fit(brand, BLACK, (width, room), (112, 48), 1.04)
    body = where.below(px(210))
    parts += setter.block(name, body, 1.04, delay=setter.frames(0.1))
    below = setter.height(name, 1.04) + px(34)
    if credit:
        free = (width, height - px(20) - px(210) - below)
        source = setter.fit(credit, MEDIUM, free, (54, 24), 1.24)
        parts += setter.block(source, body.below(below), 1.24, delay=setter.frames(0.23))
    return Card(parts)
