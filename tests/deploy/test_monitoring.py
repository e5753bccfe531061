"""The alert rules and the dashboard ask for metrics that exist, by labels that they have."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bookai.metrics import CATALOGUE, Family

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = DEPLOY / "prometheus" / "alerts.yml"
DASHBOARD = DEPLOY / "grafana" / "dashboard.json"
GUIDE = DEPLOY.parent / "docs" / "how-to" / "watch-the-studio.md"

# `label_replace` and `ALERTS` bring labels of their own; `process` comes from the studio's own
# discovery, Prometheus adds the rest.
ADDED = {"job", "instance", "le", "process"}
PARTS = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("_sum", "_count")}


def queries() -> tuple[str, ...]:
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    shown = [target["expr"] for panel in panels for target in panel.get("targets", ())]
    return (*shown, *expressions())


def expressions() -> Iterator[str]:
    """Return the rules' expressions, each on one line."""
    text = RULES.read_text(encoding="utf-8")
    for found in re.finditer(r"^ +expr: (?:>\n((?: {10}.*\n)+)|(.+)\n)", text, re.MULTILINE):
        yield " ".join((found[1] or found[2]).split())


def family_of(name: str) -> Family | None:
    if name in CATALOGUE:
        return CATALOGUE[name]
    for ending in ("_bucket", "_sum", "_count"):
        family = CATALOGUE.get(name.removesuffix(ending))
        if family and name.endswith(ending) and ending in PARTS.get(family.kind, ()):
            return family
    return None


def promtool() -> str:
    found = os.environ.get("BOOKAI_PROMTOOL") or shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not on PATH and BOOKAI_PROMTOOL does not name it")
    return found


@pytest.fixture(scope="module")
def tool() -> str:
    """Prometheus's own checker; found before the environment is scrubbed for the tests."""
    return promtool()


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=DEPLOY)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_query_asks_for_what_there_is() -> None:
    for query in queries():
        check(query)


def check(query: str) -> None:
    names = re.findall(r"\b(?:bookai|gen_ai)_[a-z0-9_]+\b", re.sub(r"job:\w+:\w+", "", query))
    asked = [name for name in names if name not in labels_of_all()]

    assert asked or "up{" in query or "job:" in query
    for name in asked:
        family = family_of(name)
        assert family is not None, name
        for label, sign, value in selected(query, name):
            assert label in {*family.label_names, *ADDED}, (name, label)
            known = next((one for one in family.labels if one.name == label), None)
            if known is not None and not known.is_open:
                parts = value.split("|") if sign in ("=~", "!~") else [value]
                assert set(parts) <= set(known.values), (name, label, value)


def labels_of_all() -> set[str]:
    return {label for family in CATALOGUE.values() for label in family.label_names}


def selected(query: str, name: str) -> Iterator[tuple[str, str, str]]:
    """Return what stands between the braces behind a metric's name."""
    for braces in re.findall(re.escape(name) + r"\{([^}]*)\}", query):
        yield from re.findall(r'(\w+)(=~|!~|!=|=)"([^"]*)"', braces)


def test_every_query_groups_by_labels_that_there_are() -> None:
    for group in re.findall(r"\b(?:by|on) \(([^)]*)\)", " ".join(queries())):
        for label in filter(None, (part.strip() for part in group.split(","))):
            assert label in labels_of_all() | ADDED, label


def test_the_dashboard_is_what_its_program_prints() -> None:
    program = DASHBOARD.with_suffix(".py")
    printed = subprocess.run([sys.executable, program], capture_output=True, timeout=60, check=True)

    assert printed.stdout == DASHBOARD.read_bytes()


def test_every_metric_is_on_the_dashboard_or_in_an_alert() -> None:
    shown = " ".join(queries())

    missing = [name for name in CATALOGUE if name not in shown]
    # What the operator sees otherwise: as a mean, beside another, or as a total of all time.
    assert missing == [
        "bookai_render_seconds",
        "bookai_queue_retries_total",
        "bookai_runs_fenced_total",
        "bookai_audit_sealed_events_total",
    ]


def test_every_alert_is_tested_and_explained() -> None:
    alerts = re.findall(r"- alert: (\w+)", RULES.read_text(encoding="utf-8"))
    tested = RULES.with_name("alerts_test.yml").read_text(encoding="utf-8")
    guide = GUIDE.read_text(encoding="utf-8")

    assert len(alerts) >= 40
    assert [name for name in alerts if f"alertname: {name}" not in tested] == []
    assert [name for name in alerts if f"`{name}`" not in guide] == []


def test_promtool_accepts_the_configuration_and_the_rules(tool: str) -> None:
    run(tool, "check", "config", "prometheus/prometheus.yml")
    run(tool, "check", "rules", "prometheus/alerts.yml")


def test_promtool_sees_each_alert_fire_and_a_healthy_studio_left_alone(tool: str) -> None:
    run(tool, "test", "rules", "prometheus/alerts_test.yml")


def test_promtool_reads_every_query_of_the_dashboard(tool: str, tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{at}", "expr": query.replace("$__rate_interval", "1m")}
        for at, query in enumerate(queries())
    ]
    path = tmp_path / "panels.yml"
    path.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))

    run(tool, "check", "rules", str(path))
