"""`bookai proof`: everything about one video, in one file that proves itself."""

import asyncio
from pathlib import Path

import click

from bookai.db import audit, dossier
from bookai.errors import OperatorNeeded
from bookai.settings import Settings, read_settings
from studio.commands._door import as_json, operator, print_json, run
from studio.database import open_seal_keys, seal_audit
from studio.office import Office, open_office
from studio.proof.gather import gather
from studio.proof.pack import as_zip, seal_pack, verifier, write_whole

SEALS = 6
PAUSE_S = 0.5


def _write_verifier(ctx: click.Context, _: click.Parameter, out: Path | None) -> None:
    if out is None or ctx.resilient_parsing:
        return
    write_whole(out, verifier())
    click.echo(f"the verifier is in {out}. Next: python -I {out} PACK.zip --key KEY")
    ctx.exit()


@click.command(epilog="Example: bookai proof 3 --out proof-3.zip --with-video")
@click.argument("job_id", type=click.IntRange(min=1))
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--with-video", is_flag=True, help="Put the video file in as well.")
@click.option(
    "--verifier",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Only write the verifier to this file, to check others' packs with.",
    callback=_write_verifier,
    is_eager=True,
    expose_value=False,
)
@as_json
def proof_command(job_id: int, out: Path, with_video: bool, json_: bool) -> None:
    """Write the proof pack of JOB_ID: sources, script, approvals, receipts, and their proofs.

    Whoever gets it checks it without this studio, with a verify.py that he trusts.
    """
    told = run(_proof(job_id, out, with_video=with_video))
    if json_:
        print_json(told)
        return
    click.echo(f"{told['files']} files in {out}, {told['events']} audit events proved")
    if told["unsealed"]:
        click.echo(f"{told['unsealed']} events came since the last seal and are not in it")
    click.echo(f"give the receiver this public key apart from the pack:\n{told['key']}")


async def _sealed(office: Office, settings: Settings, job_id: int) -> dossier.Dossier:
    """Read the job once all of it is sealed; another process may be sealing just now."""
    for _ in range(SEALS):
        await seal_audit(office.database, settings)
        found = await dossier.read(office.database.pool, job_id)
        if not found.unsealed:
            break
        await asyncio.sleep(PAUSE_S)
    return found


async def _proof(job_id: int, out: Path, *, with_video: bool) -> dict[str, object]:
    settings = read_settings()
    async with open_office(settings) as office:
        pool = office.database.pool
        found = await _sealed(office, settings, job_id)
        keys = await asyncio.to_thread(open_seal_keys, settings)
        files = await asyncio.to_thread(gather, found, settings, with_video=with_video)
        if with_video and found.job.render and "files/video.mp4" not in files:
            raise OperatorNeeded(
                f"the video of job {job_id} is gone or is no longer the one that was made.",
                mend="Put it back, or leave out --with-video.",
            )
        whole = seal_pack(files, job_id, keys)
        data = await asyncio.to_thread(as_zip, whole)
        await asyncio.to_thread(write_whole, out, data)
        # Not under the job's own id: telling that a pack was made must not change the next one.
        body = {"of_job": job_id, "files": len(whole), "events": len(found.events)}
        await audit.append(pool, "proof.made", operator(), body)
    return {
        "out": str(out),
        "files": len(whole),
        "events": len(found.events),
        "unsealed": found.unsealed,
        "key": str(keys.verifier),
    }
