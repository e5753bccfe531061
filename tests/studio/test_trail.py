"""`bookai audit …` from the command line, and what a third party can do with its output."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result

from bookai.db import pool as pool_module
from bookai.db.seal.merkle import event_leaf
from bookai.errors import OperatorNeeded
from studio.cli import bookai as root

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "verify-the-audit-log.md"

Command = Callable[..., Result]


@pytest.fixture
def bookai(dsn: str, admin_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setenv("BOOKAI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BOOKAI_DSN", dsn)
    monkeypatch.setenv("BOOKAI_ADMIN_DSN", admin_dsn)
    monkeypatch.setenv("BOOKAI_METRICS_PORT", "0")
    with psycopg.connect(dsn) as con:
        for number in range(1, 6):
            con.execute(
                "INSERT INTO audit_log (kind, actor, job_id, body) VALUES (%s, %s, %s, %s)",
                ("tick.made", "operator:ann", number % 2 or None, f'{{"n":{number}}}'),
            )

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(root, ["audit", *arguments])

    return invoke


def test_verify_says_what_was_proven(bookai: Command, tmp_path: Path) -> None:
    done = bookai("verify")

    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[-1] == "the audit log verifies"
    told = json.loads(bookai("verify", "--json").stdout)
    assert (told["ok"], told["first_bad"], told["trusted"]) == (True, None, 0)


def test_a_database_that_does_not_answer_in_time_is_told_as_such(
    bookai: Command, admin_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_module, "COMMAND_S", 1.0)
    with psycopg.connect(admin_dsn) as con:
        con.execute("LOCK TABLE audit_log")
        failed = bookai("tail").exception

    assert isinstance(failed, OperatorNeeded)
    assert "did not answer in time" in str(failed)


def test_a_file_that_cannot_be_written_is_named(bookai: Command, tmp_path: Path) -> None:
    bookai("verify")
    notes = tmp_path / "home" / "audit" / "checkpoints.notes"
    notes.unlink()
    notes.mkdir()

    failed = bookai("verify").exception

    assert isinstance(failed, OperatorNeeded)
    assert str(notes) in str(failed)


def test_verify_names_the_first_bad_row(bookai: Command, admin_dsn: str) -> None:
    bookai("verify")
    with psycopg.connect(admin_dsn, autocommit=True) as con:
        con.execute("SET session_replication_role = replica")
        con.execute("UPDATE audit_log SET body = '{}' WHERE body IN ('{\"n\":2}', '{\"n\":4}')")

    done = bookai("verify")

    assert done.exit_code == 1
    first = re.search(r"first bad: event (\d+) was changed", done.stdout)
    assert first
    assert f"problem: event {int(first[1]) + 2} was changed" in done.stdout


def test_verify_since_says_what_it_did_not_read(bookai: Command, dsn: str) -> None:
    bookai("verify")
    with psycopg.connect(dsn) as con:
        (late,) = con.execute(  # type: ignore[misc]  # RETURNING gives a row
            "INSERT INTO audit_log (kind, actor, body) VALUES ('late', 'a', '{}') RETURNING id"
        ).fetchone()
    sealed = json.loads(bookai("verify", "--json").stdout)["sealed"]

    for since in (str(late), f"checkpoint:{sealed - 1}", "2100-01-01"):
        done = bookai("verify", "--since", since)
        assert done.exit_code == 0, done.output
        assert "NOT read again: the first " in done.stdout
    assert bookai("verify", "--since", "yesterday").exit_code == 2


def test_verify_against_a_copy_kept_elsewhere(bookai: Command, tmp_path: Path) -> None:
    bookai("verify")
    own = tmp_path / "home" / "audit" / "checkpoints.notes"
    copies = tmp_path / "clone"
    copies.mkdir()
    (copies / "a.notes").write_text(own.read_text(encoding="utf-8"), encoding="utf-8")

    assert bookai("verify", "--against", str(copies)).exit_code == 0
    (copies / "a.notes").write_text("nothing", encoding="utf-8")
    assert "no exported notes" in str(bookai("verify", "--against", str(copies)).exception)


def test_events_are_found_by_kind_actor_job_and_time(bookai: Command) -> None:
    found = bookai(
        "search", "--kind", "tick.", "--actor", "operator:ann", "--job", "1",
        "--since", "2020-01-01", "--json",
    )  # fmt: skip

    bodies = [json.loads(line)["body"] for line in found.stdout.splitlines()]
    assert bodies == ['{"n":5}', '{"n":3}', '{"n":1}']
    assert bookai("search", "--kind", "tick.", "--until", "2020-01-01").stdout == ""


def test_a_tail_is_readable_and_in_order(bookai: Command) -> None:
    lines = bookai("tail", "--kind", "tick.made", "--limit", "2").stdout.splitlines()

    assert [line.strip() for line in lines[1::2]] == ['{"n":4}', '{"n":5}']


def test_exported_lines_are_what_is_hashed(bookai: Command, tmp_path: Path, dsn: str) -> None:
    bookai("verify")
    out = tmp_path / "events.jsonl"

    done = bookai("export", "--kind", "tick.made", "--out", str(out))

    assert done.exit_code == 0, done.output
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [row["body"] for row in rows] == [f'{{"n":{n}}}' for n in range(1, 6)]
    with psycopg.connect(dsn) as con:
        for row in rows:
            place = row.pop("leaf_index")
            stored = con.execute(
                "SELECT leaf FROM audit_leaf WHERE leaf_index = %s", (place,)
            ).fetchone()
            assert stored == (event_leaf(**row),)


def test_a_person_is_forgotten_and_the_log_still_verifies(bookai: Command, dsn: str) -> None:
    assert (
        "0 personal texts" in bookai("erase", "--subject", "reader:1", "--reason", "asked").stdout
    )
    assert "personal.erased" in bookai("tail", "--limit", "1").stdout
    assert bookai("erase", "--subject", "reader:1", "--reason", " ").exit_code == 1


def test_a_third_party_checks_a_proof_with_the_documented_program(
    bookai: Command, tmp_path: Path
) -> None:
    event_id = json.loads(bookai("search", "--kind", "tick.made", "--limit", "1", "--json").stdout)[
        "event_id"
    ]
    proof = tmp_path / "proof.json"
    assert bookai("prove", str(event_id), "--out", str(proof)).exit_code == 0
    (program,) = re.findall(r"```python\n(.*?)```", HOW_TO.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "check.py").write_text(program, encoding="utf-8")

    def check() -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, tmp_path / "check.py", proof],
            capture_output=True, text=True, timeout=50, check=False,
        )  # fmt: skip

    done = check()
    assert done.returncode == 0, done.stderr
    assert f"event {event_id} is in the log" in done.stdout
    proof.write_text(
        proof.read_text(encoding="utf-8").replace('{\\"n\\":5}', "{}"), encoding="utf-8"
    )
    assert check().returncode != 0
