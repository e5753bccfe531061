"""What is said between a studio and a host of agents.

Jobs and channels travel as JSON texts: each side reads them into its own records and refuses what
does not fit, so that two versions of the studio never half understand each other.
"""

from typing import Annotated

from pydantic import AfterValidator, Field

from bookai.models import Record

DESCRIBE = "describe_agents"
RUN = "run_step"

MAX_AGENTS = 16
MAX_CAPACITY = 64
MAX_JOB_CHARS = 4_000_000
LONGEST_S = 3600.0

_Word = Annotated[str, Field(max_length=40)]


def _plain(name: str) -> str:
    if "_at_" in name:
        raise ValueError('an agent of a host must not be called "…_at_…"')
    return name


class AgentThere(Record):
    """One agent of a host. `capabilities` may name some that this version does not know."""

    # No "_at_" within: with a host's name behind it, each name must mean one agent.
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=30), AfterValidator(_plain)]
    capabilities: tuple[_Word, ...] = Field(max_length=40)
    capacity: int = Field(ge=1, le=MAX_CAPACITY)
    in_flight: int = Field(ge=0)
    proficiency: float = Field(gt=0, le=1, allow_inf_nan=False)


class HostThere(Record):
    """A host's answer to `describe_agents`; it speaks for the host's liveness as well."""

    version: str = Field(max_length=40)
    agents: tuple[AgentThere, ...] = Field(max_length=MAX_AGENTS)


class StepDone(Record):
    """A host's answer to `run_step`: the job as JSON, with the step's fields filled in."""

    job: str = Field(max_length=MAX_JOB_CHARS)


def name_at(agent: str, host: str) -> str:
    """Return what an agent of a host is called among all others."""
    return f"{agent}_at_{host}"
