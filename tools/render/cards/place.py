"""The place card: a pin that drops, the name, and what it belongs to. No map is claimed."""

import numpy as np

from bookai.film.shots import PlaceShot
from tools.render.brand import mix
from tools.render.cards.card import Card, Part
from tools.render.cards.setter import Setter
from tools.render.shapes import pin
from tools.render.sprites import Mask
from tools.render.typography import BLACK, MEDIUM


def place_card(setter: Setter, shot: PlaceShot) -> Card:
    """Set a place."""
    width, height = setter.stage[2:]
    px, ground = setter.px, setter.ground
    wide = width > 2 * height
    mark = pin(px(150 if height > px(500) else 116))
    ring = _ground_rings(px(190) & ~1)
    beside = px(300) if wide else 0
    head = 0 if wide else mark.shape[0] + px(56)
    room = height - head - px(20)
    detail = None
    if shot.detail:
        low = (width - beside, min(px(130), room // 3))
        detail = setter.fit(shot.detail, MEDIUM, low, (64, 32), 1.2)
    below = px(34) + setter.height(detail, 1.2) if detail is not None else 0
    high = min(room - below, round(height * (0.6 if wide else 0.5)))
    name = setter.fit(shot.place, BLACK, (width - beside, high), (190, 48), 1.02)
    words = setter.height(name, 1.02) + below
    where = setter.where(shot.place, max(px(20), (height - head - words) // 2))
    foot = where.y + mark.shape[0]
    if wide:
        foot = where.y + (words + mark.shape[0]) // 2
    x = where.place(ring.shape[1])
    middle = x + ring.shape[1] // 2
    soft = mix(ground.strong, ground.top, 0.55)
    parts: list[Part] = [
        setter.form(ring, soft, (x, foot - ring.shape[0] // 2), setter.frames(0.3), "uncover"),
        setter.form(
            mark, ground.strong, (middle - mark.shape[1] // 2, foot - mark.shape[0]), 0, "drop"
        ),
    ]
    body = where.below(head, inset=beside)
    parts += setter.block(name, body, 1.02, delay=setter.frames(0.2))
    if detail is not None:
        lower = body.below(setter.height(name, 1.02) + px(34))
        parts += setter.block(detail, lower, 1.2, delay=setter.frames(0.4))
    return Card(parts)


def _ground_rings(width: int) -> Mask:
    """Return two flat rings around where the pin stands."""
    height = (width * 2 // 5) & ~1
    y, x = np.ogrid[0:height, 0:width]
    far = np.hypot((x + 0.5 - width / 2) / (width / 2), (y + 0.5 - height / 2) / (height / 2))
    edge = np.float32(height / 2)
    outer = np.minimum((0.98 - far) * edge, (far - 0.86) * edge)
    inner = np.minimum((0.56 - far) * edge, (far - 0.42) * edge)
    return np.clip(np.maximum(outer, inner) + 0.5, 0, 1).astype(np.float32)
