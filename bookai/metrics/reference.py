"""Print every metric: python -m bookai.metrics.reference > docs/reference/metrics.md."""

import sys

from bookai.metrics import CATALOGUE, Family
from bookai.metrics.labels import Label

HEAD = """# Metrics

Printed by `python -m bookai.metrics.reference` from the catalogue in `bookai/metrics/`.

Names that begin with `gen_ai_` are OpenTelemetry's for generative AI, in Prometheus's spelling;
all others are the studio's own. Times are seconds. A label carries a value of the sets below, or a
name that an operator wrote into the configuration; whatever is unknown, looks like free text or
comes when a label is full, becomes `other`. The last column is how many series a metric can have
at the most; all together stay under 3,000, which a test holds.

"""


def reference() -> str:
    """Return the page."""
    lines = ["| metric | kind | labels | what it says | series |", "|---|---|---|---|---|"]
    lines += [_row(family) for _, family in sorted(CATALOGUE.items())]
    total = sum(family.worst for family in CATALOGUE.values())
    lines.append(f"| all together | | | | {total:,} |")
    labels = {label.name: label for one in CATALOGUE.values() for label in one.labels}
    shown = ["", "## Labels", "", "| label | may say |", "|---|---|"]
    for name in sorted(labels):
        sets = sorted({_values(label) for label in _called(name)})
        shown.append(f"| `{name}` | {'; or '.join(sets)} |")
    return HEAD + "\n".join([*lines, *shown]) + "\n"


def _row(family: Family) -> str:
    labels = ", ".join(f"`{name}`" for name in family.label_names) or "none"
    return f"| `{family.name}` | {family.kind} | {labels} | {family.help} | {family.worst} |"


def _called(name: str) -> list[Label]:
    return [label for one in CATALOGUE.values() for label in one.labels if label.name == name]


def _values(label: Label) -> str:
    if label.is_open:
        return f"up to {label.most} names from the configuration"
    return ", ".join(f"`{value}`" if value else "nothing" for value in label.values)


if __name__ == "__main__":
    sys.stdout.write(reference())
