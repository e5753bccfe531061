"""Set type: every script in a shipped font of its own, or in the operator's font file.

Pillow shapes with raqm (ligatures, kerning, joined and stacked letters), run by run; text never
enters a filter string, so no character of it can mean anything but itself. The parts are in
`tools.render.type`.
"""

from pathlib import Path

from tools.render.type.bidi import has_rtl, reads_from_right, right_to_left
from tools.render.type.face import Typeface
from tools.render.type.fonts import FAMILIES, MEND, SCRIPTS, missing_families, path_of
from tools.render.type.style import BLACK, BOLD, HEAVY, MEDIUM, Ink, Setting, Style

__all__ = [
    "BLACK",
    "BOLD",
    "FAMILIES",
    "HEAVY",
    "MEDIUM",
    "MEND",
    "SCRIPTS",
    "SHIPPED",
    "Ink",
    "Setting",
    "Style",
    "Typeface",
    "has_rtl",
    "missing_families",
    "path_of",
    "reads_from_right",
    "right_to_left",
]
SHIPPED = Path(path_of("Latin"))
