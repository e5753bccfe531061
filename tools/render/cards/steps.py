"""Cards that build up while they are spoken: a list, and events on a line of time."""

from collections.abc import Callable

import numpy as np

from bookai.film.shots import Event, ListShot, TimelineShot
from tools.render.brand import mix
from tools.render.cards.card import Card, Part, Piece, flipped
from tools.render.cards.setter import CAPITALS, Setter, Where
from tools.render.shapes import disc, rounded
from tools.render.sprites import Mask
from tools.render.typography import BLACK, BOLD, MEDIUM, Setting, Style

When = Callable[[int], int]
BULLET = 0.34  # radius of a bullet as a share of the type size


def list_card(setter: Setter, shot: ListShot, when: When) -> Card:
    """Set a list: all entries in one size, each coming when it is spoken."""
    x, y, width, height = setter.stage
    px = setter.px
    texts = [item.text for item in shot.items]
    mirrored = setter.face.rtl("".join(texts))
    parts: list[Part] = []
    used = px(8)
    if shot.title:
        head = setter.fit(shot.title, BLACK, (width, px(160)), (72, 36), 1.08)
        parts += setter.block(head, setter.where(shot.title, used), 1.08)
        used += setter.height(head, 1.08) + px(44)
    settings = _alike(setter, texts, width - px(96), height - used)
    size = settings[0].style.size
    gap = _gap(setter, settings, height - used)
    tall = sum(setter.height(setting, 1.1) for setting in settings) + gap * (len(texts) - 1)
    top = y + used + max(0, min((height - used - tall) // 2, px(70)))
    for row, (setting, item) in enumerate(zip(settings, shot.items, strict=True)):
        late = max(when(item.at), setter.frames(0.12 * row))
        bullet = disc(max(3, round(size * BULLET / 1.6)))
        middle = top + round(size * (0.86 - CAPITALS / 2))
        at = (x, middle - bullet.shape[0] // 2)
        mark = setter.form(bullet, setter.ground.strong, at, late, "pop")
        parts.append(flipped(mark, x, width) if mirrored else mark)
        lines = Where(x, top, width, mirrored).below(0, inset=px(96))
        parts += setter.block(setting, lines, 1.1, delay=late + setter.frames(0.06))
        top += setter.height(setting, 1.1) + gap
    return Card(parts)


def _alike(setter: Setter, texts: list[str], width: int, height: int) -> list[Setting]:
    """Return texts in the largest common size at which all of them fit below one another."""
    px = setter.px
    most = 112 if len(texts) <= 4 else 84
    known = Style(100, BOLD)
    lengths = [setter.face.width(text[:400], known) / 100 for text in texts]
    for size in setter.sizes(most, 30):
        # Sizes that cannot do are left out without setting anything in them.
        if sum(max(1, int(size * length / width)) for length in lengths) * size * 1.1 > height:
            continue
        settings = [setter.face.fit(text, BOLD, (width, height), [size], 1.1) for text in texts]
        whole = not any(s.lines[-1].endswith("…") for s in settings)
        tall = sum(setter.height(s, 1.1) for s in settings)
        rows = max(len(s.lines) for s in settings)
        if whole and rows <= 2 and tall + px(20) * (len(texts) - 1) <= height:
            return settings
    small = [px(30)]
    room = (width, height // len(texts) - px(8))
    return [setter.face.fit(text, BOLD, room, small, 1.1) for text in texts]


def _gap(setter: Setter, settings: list[Setting], height: int) -> int:
    tall = sum(setter.height(setting, 1.1) for setting in settings)
    if len(settings) < 2:
        return 0
    return max(0, min(setter.px(56), (height - tall) // (len(settings) - 1)))


def timeline_card(setter: Setter, shot: TimelineShot, when: When) -> Card:
    """Set events on a line that grows to each of them when it is spoken."""
    y, width, height = setter.stage[1:]
    mirrored = setter.face.rtl("".join(event.what for event in shot.events))
    count = len(shot.events)
    late = [max(when(e.at), setter.frames(0.16 * k)) for k, e in enumerate(shot.events)]
    if width > 2 * height:
        return Card(_across(setter, shot.events, late, mirrored=mirrored))
    pitch = min(setter.px(230), height // count)
    top = y + max(0, (height - pitch * count) // 2)
    return Card(_down(setter, shot.events, late, (top, pitch), mirrored=mirrored))


def _down(
    setter: Setter,
    events: tuple[Event, ...],
    late: list[int],
    rows: tuple[int, int],
    *,
    mirrored: bool,
) -> list[Part]:
    """Return events below one another, the line at their side."""
    x, _, width, _ = setter.stage
    px, ground = setter.px, setter.ground
    top, pitch = rows
    radius, thick = px(22), max(2, px(8) & ~1)
    inset = px(96)
    parts: list[Part] = []
    for k, event in enumerate(events):
        y = top + k * pitch
        year = setter.one(event.when, BLACK, 92 if pitch > px(170) else 60, width - inset)
        middle = y + round(year.style.size * (0.86 - CAPITALS / 2))
        if k + 1 < len(events):
            line: Mask = np.ones((pitch - 2 * radius - px(12) & ~1, thick), np.float32)
            at = (x + radius - thick // 2 + 2, middle + radius + px(8))
            tone = mix(ground.text, ground.top, 0.7)
            piece = setter.form(
                line, tone, at, max(late[k], late[k + 1] - setter.pace.come // 2), "fall"
            )
            parts.append(flipped(piece, x, width) if mirrored else piece)
        dot = disc(radius)
        mark = setter.form(dot, ground.strong, (x, middle - dot.shape[0] // 2), late[k], "pop")
        parts.append(flipped(mark, x, width) if mirrored else mark)
        where = Where(x, y, width, mirrored).below(0, inset=inset)
        parts += setter.block(
            year, where, 1.0, delay=late[k], colours=(ground.strong, ground.strong)
        )
        used = round(year.style.size * 1.16)
        room = (width - inset, pitch - used - px(14))
        what = setter.fit(event.what, MEDIUM + 50, room, (56, 28), 1.16)
        parts += setter.block(what, where.below(used), 1.16, delay=late[k] + setter.frames(0.1))
    return parts


def _across(
    setter: Setter, events: tuple[Event, ...], late: list[int], *, mirrored: bool
) -> list[Part]:
    """Return events beside one another, the line above them."""
    x, y, width, height = setter.stage
    px, ground = setter.px, setter.ground
    column = width // len(events)
    radius, thick = px(24), max(2, px(8) & ~1)
    middle = y + round(height * 0.27)
    parts: list[Part] = []
    for k, event in enumerate(events):
        own: list[Piece] = []
        left = x + k * column
        line = rounded(column - 2 * radius - px(20), thick, 2)
        if k + 1 < len(events):
            at = (left + 2 * radius + px(12), middle - thick // 2)
            tone = mix(ground.text, ground.top, 0.7)
            begin = max(late[k], late[k + 1] - setter.pace.come // 2)
            own.append(setter.form(line, tone, at, begin, "uncover"))
        dot = disc(radius)
        own.append(setter.form(dot, ground.strong, (left, middle - radius), late[k], "pop"))
        room = column - px(48)
        year = setter.one(event.when, BLACK, 100, room)
        where = Where(left, middle + px(64), room)
        colours = (ground.strong, ground.strong)
        own += setter.block(year, where, 1.0, delay=late[k], colours=colours)
        used = round(year.style.size * 1.2)
        high = y + height - where.y - used
        what = setter.fit(event.what, MEDIUM + 50, (room, high), (60, 28), 1.18)
        delay = late[k] + setter.frames(0.1)
        own += setter.block(what, where.below(used), 1.18, delay=delay)
        parts += [flipped(piece, x, width) for piece in own] if mirrored else own
    return parts
