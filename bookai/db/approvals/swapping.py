"""Another shot for one sentence: the question that was asked falls, the film is made anew."""

from datetime import datetime

from bookai.db import audit, jobs
from bookai.db.approvals.rows import Approval, check_operator, end, latest, locked
from bookai.db.pool import Con
from bookai.errors import Refused


def _next_step(approval: Approval) -> str:
    if approval.state == "void":
        return "Its film is being made: wait until it is asked anew. See: bookai jobs"
    return "Make a new video of the source: bookai make"


async def swap_shot(con: Con, job_id: int, line: int, kind: str, by: str, now: datetime) -> None:
    """Want another shot for line `line` (from 0), in the caller's transaction; queue the job next.

    Only while the job waits for people's word: the open question becomes void, for what would be
    published changes, and is asked anew once the film is made. Wanting what is wanted already
    changes nothing that was made.

    Raises:
        Refused: the job does not wait for a word, or that line has no such shot.
    """
    check_operator(by)
    found = await latest(con, job_id)
    status = await jobs.lock_status(con, job_id) if found is None else None
    if found is None:
        raise Refused(f"job {job_id} is {status}: a shot is swapped while its approval is open.")
    approval = await locked(con, found.approval_id)
    if approval.state != "pending":
        raise Refused(
            f"approval {approval.approval_id} of job {job_id} is {approval.state}: a shot is"
            f" swapped while one is pending. {_next_step(approval)}"
        )
    if approval.votes or approval.edits:
        raise Refused(
            f"approval {approval.approval_id} has a vote or an edit already, which would be lost:"
            " decide on it, or reject it."
        )
    if (at := (await jobs.get(con, job_id)).not_before) and at > now:
        raise Refused(
            f"job {job_id} is put off until {at:%Y-%m-%d %H:%M %Z}, and so would be its new film."
            f" Bring it forward first: bookai postpone {job_id}"
        )
    job = await jobs.load(con, job_id)
    rows = {row.line: row for row in job.render.shots} if job.render else {}
    if line not in rows:
        raise Refused(f"job {job_id} has lines 0 to {len(rows) - 1} with shots, no line {line}.")
    row = rows[line]
    able = dict.fromkeys(one.shot.kind for one in (row.chosen, *row.runners_up))
    wanted = next((one for one in able if one == kind), None)
    if wanted is None:
        raise Refused(f"line {line} can be {', '.join(able)}; its sentence gives no {kind!r}.")
    await end(con, approval, "void", by)
    swaps = {**job.swaps, line: wanted}
    anew = {"swaps": swaps, "check": None, "post": None, "approval_id": None}
    await jobs.save(con, job.model_copy(update=anew))
    before = row.chosen.shot.kind
    body = {"job_id": job_id, "line": line, "before": before, "after": kind}
    await audit.append(con, "shot.swapped", by, body)
    await jobs.set_status(con, job_id, "queued", stage="render", actor=by)
