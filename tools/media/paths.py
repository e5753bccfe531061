"""The one door to a job's files: nothing outside `work_dir/<job_id>` is ever opened."""

from pathlib import Path

from bookai.errors import Refused


def job_folder(work_dir: Path, job_id: int) -> Path:
    """Return the job's own folder with every link resolved; it is not created here.

    Raises:
        Refused: `job_id` is not positive, or the folder is a link to somewhere else.
    """
    if job_id < 1:
        raise Refused(f"There is no job {job_id}: job numbers start at 1.")
    root = work_dir.resolve() / str(job_id)
    if root.resolve() != root:
        raise Refused(f"The folder of job {job_id} is a link to {root.resolve()}: remove the link.")
    return root


def inside(work_dir: Path, job_id: int, path: str | Path) -> Path:
    """Return `path` with every link resolved, certain to lie in the job's folder.

    A relative path is taken from the job's folder. The file need not exist.

    Raises:
        Refused: the path leads out of the folder, is the folder itself, or is no path at all.
    """
    root = job_folder(work_dir, job_id)
    try:
        found = (root / path).resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise Refused(f"{str(path)!r} is not a usable path.") from error
    if root not in found.parents:
        raise Refused(
            f"{str(path)!r} is not in the folder of job {job_id}: a tool uses only files there."
        )
    return found
