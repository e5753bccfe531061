"""Short answers of tools that change something: a model has read the rest, or asks for it."""

from tools.base import ApprovalRow, Decision, JobRow, JobTicket


def ticket_of(job: JobRow) -> JobTicket:
    """Return what a caller needs of a job that was made or changed."""
    return JobTicket(**{name: getattr(job, name) for name in JobTicket.model_fields})


def decision_of(row: ApprovalRow) -> Decision:
    """Return what became of a decision, without the post."""
    same = {name: getattr(row, name) for name in Decision.model_fields if name != "yes"}
    return Decision(**same, yes=sum(vote.approve for vote in row.votes))
