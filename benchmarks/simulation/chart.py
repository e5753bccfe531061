"""The results as one picture: SVG by hand, readable on light and on dark ground."""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from benchmarks.simulation.policies import ORACLES, OURS, POLICIES, Policy
from benchmarks.simulation.summary import FAULTY, Summary, percentile

WIDTH = 900
TOP, ROW, BOTTOM = 78, 24, 64
NAMES = 210
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328; }
.small { font-size: 11.5px; fill: #59636e; }
.head { font-weight: 600; }
.ours { font-weight: 700; }
.grid { stroke: #d1d9e0; stroke-width: 1; }
.band { fill: #0969da; fill-opacity: 0.09; }
.rival { fill: #818b98; stroke: #818b98; }
.mine { fill: #0969da; stroke: #0969da; }
.bound { fill: #1a7f37; stroke: #1a7f37; }
.open { fill: none; stroke-width: 2; }
.spread { stroke-width: 1.5; stroke-opacity: 0.6; }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc; }
  .small { fill: #9198a1; }
  .grid { stroke: #3d444d; }
  .band { fill: #4493f8; fill-opacity: 0.14; }
  .rival { fill: #9198a1; stroke: #9198a1; }
  .mine { fill: #4493f8; stroke: #4493f8; }
  .bound { fill: #3fb950; stroke: #3fb950; }
}
"""


@dataclass(frozen=True, slots=True)
class Axis:
    """Where values of one panel lie on the page."""

    left: float
    right: float
    least: float
    most: float
    step: float

    def x(self, value: float) -> float:
        share = (min(self.most, max(self.least, value)) - self.least) / (self.most - self.least)
        return self.left + share * (self.right - self.left)

    def ticks(self) -> list[float]:
        count = round((self.most - self.least) / self.step)
        return [self.least + self.step * number for number in range(count + 1)]


def draw(summary: Summary) -> str:
    """Return the picture: success of each policy, and how soon it routed around faults."""
    ranked = sorted(POLICIES, key=lambda policy: -summary.ok(policy, "all"))
    lowest = min(
        summary.ok(policy, name) - (summary.spread(policy, name) if name == "all" else 0)
        for policy in ranked
        for name in ("all", "overload")
    )
    success = Axis(NAMES, 610, 5 * (lowest // 5), 100, 5)
    around = Axis(660, 880, 0, 50, 10)
    height = TOP + ROW * len(ranked) + BOTTOM
    body = [
        *_axis(success, height, "% of tasks that succeed", ""),
        *_axis(around, height, "seconds until nine of ten faults", "are routed around"),
    ]
    for number, policy in enumerate(ranked):
        body += _row(summary, policy, TOP + ROW * (number + 0.5), (success, around))
    body += _legend()
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            f'width="{WIDTH}" height="{height}" role="img" aria-labelledby="title">',
            '<title id="title">Success of routing policies in the same simulated worlds, and how '
            "soon they route around faults</title>",
            f"<style>{STYLE}</style>",
            *body,
            "</svg>\n",
        )
    )


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">'
        f"{escape(words)}</text>"
    )


def _axis(axis: Axis, height: int, title: str, more: str) -> Iterator[str]:
    floor = height - BOTTOM
    for tick in axis.ticks():
        x = axis.x(tick)
        yield f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{floor}" class="grid"/>'
        yield _text(x, floor + 17, f"{tick:.0f}", "small", "middle")
    middle = (axis.left + axis.right) / 2
    yield _text(middle, floor + 36, title, "", "middle")
    if more:
        yield _text(middle, floor + 53, more, "", "middle")


def _row(
    summary: Summary, policy: type[Policy], y: float, axes: tuple[Axis, Axis]
) -> Iterator[str]:
    success, around = axes
    ours = policy in OURS
    kind = "mine" if ours else "bound" if policy in ORACLES else "rival"
    if ours:
        yield (
            f'<rect x="4" y="{y - ROW / 2:.1f}" width="{WIDTH - 8}" height="{ROW}" class="band"/>'
        )
    yield _text(NAMES - 12, y + 4.5, policy.name, "ours" if ours else "", "end")
    ok, spread = summary.ok(policy, "all"), summary.spread(policy, "all")
    yield (
        f'<line x1="{success.x(ok - spread):.1f}" y1="{y:.1f}" '
        f'x2="{success.x(ok + spread):.1f}" y2="{y:.1f}" class="{kind} spread"/>'
    )
    crowded = success.x(summary.ok(policy, "overload"))
    yield f'<circle cx="{crowded:.1f}" cy="{y:.1f}" r="4.5" class="{kind} open"/>'
    yield f'<circle cx="{success.x(ok):.1f}" cy="{y:.1f}" r="5" class="{kind}"/>'
    seconds = percentile(summary.routed_around(policy, FAULTY), 0.9)
    end = around.x(seconds)
    yield (
        f'<rect x="{around.left:.1f}" y="{y - 5:.1f}" width="{max(1.0, end - around.left):.1f}" '
        f'height="10" class="{kind}"/>'
    )
    yield _text(end + 6, y + 4, f"{seconds:.0f}", "small")


def _legend() -> Iterator[str]:
    yield _text(NAMES, 22, "Success over the same worlds", "head")
    yield f'<circle cx="{NAMES + 6}" cy="43" r="5" class="rival"/>'
    yield _text(NAMES + 18, 47, "everything at once, ± one standard deviation", "small")
    yield f'<circle cx="{NAMES + 6}" cy="61" r="4.5" class="rival open"/>'
    yield _text(NAMES + 18, 65, "a burst of more than all can do, no faults", "small")
    yield _text(660, 22, "Routing around a fault", "head")
    yield _text(660, 47, "crash, hang, errors, slowness, garbage", "small")
