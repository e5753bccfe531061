"""A film that a rule let out: its proof says who granted the rule, and a forged one fails."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bookai.db import approvals, outbox
from bookai.db.autonomy import ladder, ruling
from bookai.db.pool import Pool
from tests.bookai.db.autonomy.climbing import TERMS
from tests.bookai.db.autonomy.clock import standing_clock
from tests.studio.proof.conftest import NOW, Maker, check, edited, resealed, unpack


@pytest.fixture(autouse=True)
def clock(admin_dsn: str) -> Iterator[None]:
    with standing_clock(admin_dsn, NOW):
        yield


async def test_a_proof_names_the_rule_and_who_granted_it(pool: Pool, tmp_path: Path) -> None:
    maker = Maker(pool, tmp_path / "home", tmp_path / "audit" / "checkpoints.notes")
    await ladder.grant(pool, "default", TERMS, "operator:bea")
    for _ in range(3):
        await maker.publish()
    job_id = await maker.ask()
    asked = await approvals.get(pool, 4)
    rung = await ladder.get(pool, "default", NOW)
    assert rung is not None
    await ruling.approve(pool, ruling.Ruling(asked, rung, ("sound",), TERMS.passport))
    claim = await outbox.arm(pool, job_id, asked.post)
    await maker.begin(claim)
    await outbox.mark_posted(pool, claim.post_id, "x", "https://example.org/v")

    files = await maker.pack(job_id)

    honest = check(unpack(files, tmp_path / "honest"))
    assert honest.code == 0, honest.out
    assert "approved by rule:publish:default, granted by operator:bea" in honest.out

    def two(row: dict[str, Any]) -> None:
        row["needed"] = 2

    forged = check(unpack(resealed(edited(files, "approvals/4.json", two)), tmp_path / "forged"))
    assert "what no person had granted" in forged.failed["approval"]
