"""Print the Grafana dashboard.

python deploy/grafana/dashboard.py > deploy/grafana/dashboard.json
"""

import json
import sys

from drawing import Panel
from panels import ROWS

WIDTH, HEIGHT, PER_ROW = 6, 8, 4


def build() -> dict[str, object]:
    """Return the dashboard as Grafana reads it; the same each time."""
    panels: list[dict[str, object]] = []
    y = 0
    for title, row in ROWS:
        place = {"h": 1, "w": 24, "x": 0, "y": y}
        panels.append(_numbered(panels, {"type": "row", "title": title, "gridPos": place}))
        y += 1
        for at, panel in enumerate(row):
            down, along = divmod(at, PER_ROW)
            place = {"h": HEIGHT, "w": WIDTH, "x": WIDTH * along, "y": y + HEIGHT * down}
            panels.append(_numbered(panels, _drawn(panel, place)))
        y += HEIGHT * -(-len(row) // PER_ROW)
    source = {"name": "DS", "type": "datasource", "query": "prometheus", "label": "Prometheus"}
    return {
        "title": "BookAI Studio",
        "uid": "bookai",
        "tags": ["bookai"],
        "schemaVersion": 39,
        "version": 1,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [source]},
        "panels": panels,
    }


def _numbered(panels: list[dict[str, object]], panel: dict[str, object]) -> dict[str, object]:
    return {"id": len(panels) + 1, **panel}


def _drawn(panel: Panel, place: dict[str, int]) -> dict[str, object]:
    return {
        "type": panel.kind,
        "title": panel.title,
        "datasource": {"type": "prometheus", "uid": "${DS}"},
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + at), "expr": query, "legendFormat": legend}
            for at, (query, legend) in enumerate(panel.lines)
        ],
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(build(), indent=1) + "\n")
