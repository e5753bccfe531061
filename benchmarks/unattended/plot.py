"""Memory and connections over a soak as one picture: SVG by hand, for light and dark ground."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.unattended.soaking import Event, Sample

WIDTH, LEFT, RIGHT = 900, 70, 880
PANEL, GAP, TOP, BOTTOM = 150, 46, 40, 50
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328; }
.small { font-size: 11.5px; fill: #59636e; }
.head { font-weight: 600; }
.grid { stroke: #d1d9e0; stroke-width: 1; }
.line { fill: none; stroke: #0969da; stroke-width: 1.8; }
.kill { stroke: #818b98; stroke-width: 1; stroke-opacity: 0.55; }
.away { stroke: #cf222e; stroke-width: 1.6; }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc; }
  .small { fill: #9198a1; }
  .grid { stroke: #3d444d; }
  .line { stroke: #4493f8; }
  .kill { stroke: #9198a1; }
  .away { stroke: #f85149; }
}
"""


@dataclass(frozen=True, slots=True)
class _Panel:
    title: str
    value: "Callable[[Sample], float]"
    top: float


def draw(samples: "Sequence[Sample]", events: "Sequence[Event]") -> str:
    """Return the picture: three panels over the same time, with every kill and restart."""
    panels = [
        _Panel("memory of the studio's processes, MiB", lambda s: s.studio_mib, TOP),
        _Panel("memory of Postgres, MiB", lambda s: s.postgres_mib, TOP + PANEL + GAP),
        _Panel("connections", lambda s: s.connections, TOP + 2 * (PANEL + GAP)),
    ]
    longest = max((one.at for one in samples), default=1.0)
    height = TOP + 3 * PANEL + 2 * GAP + BOTTOM
    body = [part for panel in panels for part in _panel(panel, samples, events, longest)]
    body += _axis(longest, height)
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            f'width="{WIDTH}" height="{height}" role="img" aria-labelledby="title">',
            '<title id="title">Memory and connections of a studio whose processes are killed all '
            "the time</title>",
            f"<style>{STYLE}</style>",
            *body,
            "</svg>\n",
        )
    )


def _panel(
    panel: _Panel, samples: "Sequence[Sample]", events: "Sequence[Event]", longest: float
) -> Iterator[str]:
    most = _round(max((panel.value(one) for one in samples), default=1.0))
    floor = panel.top + PANEL
    yield _text(LEFT, panel.top - 10, panel.title, "head")
    for share in (0.0, 0.5, 1.0):
        y = floor - share * PANEL
        yield f'<line x1="{LEFT}" y1="{y:.1f}" x2="{RIGHT}" y2="{y:.1f}" class="grid"/>'
        yield _text(LEFT - 8, y + 4, f"{most * share:g}", "small", "end")
    for event in events:
        kind = "kill" if "kill -9" in event.what else "away"
        if event.what == "calm":
            continue
        x = _x(event.at, longest)
        yield f'<line x1="{x:.1f}" y1="{panel.top}" x2="{x:.1f}" y2="{floor}" class="{kind}"/>'
    points = " ".join(
        f"{_x(one.at, longest):.1f},{floor - panel.value(one) / most * PANEL:.1f}"
        for one in samples
    )
    yield f'<polyline points="{points}" class="line"/>'


def _axis(longest: float, height: int) -> Iterator[str]:
    floor = height - BOTTOM
    step = 60 * max(1, round(longest / 60 / 10))
    for second in range(0, int(longest) + 1, step):
        yield _text(_x(second, longest), floor + 17, f"{second // 60}", "small", "middle")
    words = "minutes; grey: kill -9 of a process, red: Postgres restarted, or no loop at all"
    yield _text((LEFT + RIGHT) / 2, floor + 38, words, "small", "middle")


def _x(at: float, longest: float) -> float:
    return LEFT + at / longest * (RIGHT - LEFT)


def _round(most: float) -> float:
    """Return a round number not under `most`."""
    size = 10.0 ** (len(str(int(most))) - 1)
    return next(size * n for n in (1, 1.5, 2, 3, 4, 5, 6, 8, 10, 20) if size * n >= most)


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">'
        f"{escape(words)}</text>"
    )
