"""`bookai audit prove`: show that one event is in the log to somebody who cannot see the log."""

import json
from pathlib import Path

import click

from bookai.db.seal.files import read_verifier
from bookai.db.seal.prove import prove as prove_events
from bookai.settings import read_settings
from studio.commands._door import run
from studio.commands.trail.options import written_whole
from studio.database import seal_audit
from studio.office import open_office

FORMAT = "bookai-inclusion/1"
HOW = (
    "1. leaf = SHA-256(0x00, event_id, at_us, 1 or 0 for whether there is a job_id, job_id or 0, "
    "length of kind, kind, length of actor, actor, body): numbers big-endian, int64 but one byte "
    "for the flag and uint32 for lengths in bytes; texts UTF-8, body exactly as it stands here.",
    "2. root = the RFC 6962 (2.1.1) audit path: from the leaf at leaf_index in a tree of tree_size "
    "leaves along `hashes`, lowest first; a node is SHA-256(0x01, left, right).",
    "3. The note's second line must be tree_size, its third line the root in base64.",
    "4. The note is a C2SP signed note (ed25519) of the log 'bookai-studio/audit': check its "
    "signature with public_key, which you should have from elsewhere, and best compare the note "
    "with a copy that was exported to a place of yours.",
)


@click.command(epilog="Example: bookai audit prove 17 --out event-17.json")
@click.argument("event", type=click.IntRange(min=1))
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write it here.")
def prove(event: int, out: Path | None) -> None:
    """Prove that EVENT is in the log, to somebody who sees nothing else of it."""
    proof = run(_prove(event))
    with written_whole(out) as file:
        file.write(json.dumps(proof, indent=2, ensure_ascii=False) + "\n")
    if out:
        click.echo(f"proof of event {event}: {out}", err=True)


async def _prove(event: int) -> dict[str, object]:
    settings = read_settings()
    async with open_office(settings) as office:
        await seal_audit(office.database, settings)
        (proof,) = await prove_events(office.database.pool, [event])
    verifier = read_verifier(settings.audit_dir / "signing.pub")
    return {
        "format": FORMAT,
        "how": HOW,
        **proof.model_dump(mode="json"),
        "public_key": str(verifier),
    }
