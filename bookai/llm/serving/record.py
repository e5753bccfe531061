"""What is written down of one attempt: enough to see what happened, and nothing of its text."""

from dataclasses import asdict, dataclass

from bookai.llm.base import ContentType


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One attempt. Attempts of one question share `call_id` and count from 1.

    `kind` says how it failed, "" for not. Tokens are None where the server counts none; the
    estimate is ours. `microcents` is what was booked for it.
    """

    call_id: str
    attempt: int
    server: str
    model: str
    num_ctx: int
    content: ContentType
    prompt_version: str
    prompt_sha256: str
    schema_sha256: str
    outcome: str
    kind: str
    estimated_tokens: int
    max_tokens: int
    input_tokens: int | None
    output_tokens: int | None
    wait_ms: int
    first_chunk_ms: int | None
    load_ms: int
    ms: int
    microcents: int

    def as_json(self) -> dict[str, str | int | None]:
        """Return it as an audit row holds it."""
        return asdict(self)
