"""What model calls measure, by OpenTelemetry's GenAI names in Prometheus spelling where it has one.

`observe` writes all that one attempt says at once.
"""

from dataclasses import dataclass

from bookai.metrics.instruments import counter, gauge, histogram, summary
from bookai.metrics.labels import (
    ERROR,
    FAILED,
    GEN_AI_MODEL,
    GEN_AI_PROVIDER,
    INVALID,
    MODEL,
    OPERATION,
    OUTCOME,
    OVERFLOW,
    PROVIDER,
    SERVER,
    STAGE,
    TOKEN_TYPE,
)

GENAI_SECONDS = (*(0.01 * 2**n for n in range(8)), 2.0, *(0.01 * 2**n for n in range(8, 14)))
"""The convention's boundaries, and 2 s: the objective of a call."""
_FIRST_CHUNK_SECONDS = (0.08, 0.16, 0.32, 0.64, 1.28, 2.0, 5.12, 10.24)
_TOKENS = (64, 512, 4096, 32768)
LOADED_S = 1.0
"""A server reports some milliseconds of loading with every call; so long took a real load."""

MODEL_CALLS = counter(
    "bookai_model_calls_total", "Questions to a model provider", PROVIDER, OUTCOME
)
MODEL_SECONDS = histogram(
    "gen_ai_client_operation_duration_seconds",
    "Duration of one attempt at a question",
    OPERATION,
    GEN_AI_PROVIDER,
    GEN_AI_MODEL,
    FAILED,
    buckets=GENAI_SECONDS,
    most=21,
)
FIRST_CHUNK_SECONDS = histogram(
    "gen_ai_client_operation_time_to_first_chunk_seconds",
    "Time until the first piece of an answer",
    GEN_AI_PROVIDER,
    GEN_AI_MODEL,
    buckets=_FIRST_CHUNK_SECONDS,
    most=11,
)
MODEL_TOKENS = histogram(
    "gen_ai_client_token_usage",
    "Tokens of one attempt",
    GEN_AI_PROVIDER,
    GEN_AI_MODEL,
    TOKEN_TYPE,
    buckets=_TOKENS,
    most=21,
)
LLM_ATTEMPTS = counter(
    "bookai_llm_attempts_total", "Attempts by the server that was asked", SERVER, OUTCOME, most=80
)
LLM_ERRORS = counter(
    "bookai_llm_errors_total", "Attempts that failed, by kind of error", PROVIDER, ERROR, most=60
)
LLM_UP = gauge("bookai_llm_up", "1 when the server answered its last look", SERVER)
LLM_IN_FLIGHT = gauge("bookai_llm_in_flight", "Attempts on their way", SERVER)
LLM_SLOTS = gauge("bookai_llm_slots", "Attempts that the server takes at once", SERVER)
LLM_WAITING = gauge("bookai_llm_waiting", "Questions that wait for a slot", MODEL)
LLM_LOADED = gauge(
    "bookai_llm_model_loaded", "1 where a model is in memory", SERVER, MODEL, most=64
)
LLM_LOAD_SECONDS = summary("bookai_llm_load_duration_seconds", "Time to load a model", SERVER)
LLM_INVALID = counter(
    "bookai_llm_invalid_outputs_total", "Answers refused as unusable", MODEL, INVALID, most=60
)
LLM_REPAIRS = counter(
    "bookai_llm_repairs_total", "Answers mended, by the stage that did it", MODEL, STAGE, most=50
)
LLM_CONTEXT_OVERFLOWS = counter(
    "bookai_llm_context_overflows_total", "Prompts that did not fit", MODEL, OVERFLOW, most=20
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a question. `error` is its kind, "" for none; times are in seconds."""

    provider: str
    model: str
    server: str
    outcome: str
    error: str
    seconds: float
    first_chunk_s: float | None = None
    load_s: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0


def observe(attempt: Attempt) -> None:
    """Count one attempt in every metric that it has something to say to.

    `model` is the name without its provider. An attempt that was cancelled took no measure of the
    model, so only its count is kept.
    """
    a = attempt
    LLM_ATTEMPTS.labels(a.server, a.outcome).inc()
    MODEL_CALLS.labels(a.provider, a.outcome).inc()
    if a.outcome == "cancelled":
        return
    MODEL_SECONDS.labels("chat", a.provider, a.model, "failed" if a.error else "").observe(
        a.seconds
    )
    if a.error:
        LLM_ERRORS.labels(a.provider, a.error).inc()
        if a.error in INVALID.values:
            LLM_INVALID.labels(a.model, a.error).inc()
    if a.first_chunk_s is not None:
        FIRST_CHUNK_SECONDS.labels(a.provider, a.model).observe(a.first_chunk_s)
    if a.load_s >= LOADED_S:
        LLM_LOAD_SECONDS.labels(a.server).observe(a.load_s)
    for kind, tokens in (("input", a.input_tokens), ("output", a.output_tokens)):
        if tokens:
            MODEL_TOKENS.labels(a.provider, a.model, kind).observe(tokens)
