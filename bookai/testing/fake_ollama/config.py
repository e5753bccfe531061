"""What a fake Ollama server is: its models, its speed, and the faults it can be told to have."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

Fault = Literal[
    "conn_reset",  # the connection is closed before a reply
    "hang",  # takes the request and never answers
    "http_500",
    "runner_crash",  # 500, as when the model's process was killed
    "http_503_busy",
    "http_429",
    "html_502",  # the page of a proxy in between
    "json_string_error",  # 500 whose body is a JSON string instead of an object
    "unload_all",  # every model is dropped first: this request loads again
    "slow_ttft",  # the first token takes `stall_s` more
    "slow_loris",  # the bytes trickle
    "midstream_reset",
    "midstream_error",  # 200, then an error line in the middle of the stream
    "midstream_stall",  # nothing for `stall_s` in the middle
    "garbage_line",  # a stream line that is no JSON
    "no_done",  # the stream ends without done: true
    "invalid_json",
    "truncated_json",
    "schema_violation",
    "fenced_json",
    "whitespace_flood",
    "empty_content",
    "think_leak",  # <think> … </think> inside the content
]
FAULTS: tuple[Fault, ...] = get_args(Fault)

Skill = Literal["completion", "tools", "thinking", "embedding"]


@dataclass(frozen=True, slots=True)
class FakeModel:
    """A model the server has. Speeds are tokens a second for one stream; `load_s` a cold load."""

    name: str
    size_bytes: int = 4_700_000_000
    family: str = "llama"
    parameters: str = "8.0B"
    quantization: str = "Q4_K_M"
    context_length: int = 131_072
    load_s: float = 8.0
    tokens_per_s: float = 60.0
    prompt_tokens_per_s: float = 900.0
    skills: tuple[Skill, ...] = ("completion", "tools")


LLAMA = FakeModel("llama3.1:8b")
CODELLAMA = FakeModel(
    "codellama:7b", 3_800_000_000, "llama", "7B", "Q4_0", 16_384, 7.0, 65.0, 950.0, ("completion",)
)
MISTRAL = FakeModel("mistral:7b", 4_100_000_000, "mistral3", "7.2B", "Q4_0", 32_768, 7.0, 65.0)


@dataclass(slots=True)
class Config:
    """How a fake server behaves; every field may be changed while it runs.

    `time_scale` 0.02 makes its clock 50 times faster than a real one: all times below are scaled
    by it. `chances` gives faults a probability each; `script` of the server comes first.
    """

    models: tuple[FakeModel, ...] = (LLAMA, CODELLAMA, MISTRAL)
    library: tuple[FakeModel, ...] = ()  # what `pull` can get
    version: str = "0.33.0"
    num_parallel: int = 1  # OLLAMA_NUM_PARALLEL
    max_loaded: int = 3  # OLLAMA_MAX_LOADED_MODELS
    max_queue: int = 512  # OLLAMA_MAX_QUEUE
    context_length: int = 4096  # OLLAMA_CONTEXT_LENGTH
    keep_alive_s: float = 300.0  # OLLAMA_KEEP_ALIVE
    time_scale: float = 1.0
    jitter: float = 0.25  # sigma of the log-normal speed of each request
    slowdown: float = 0.6  # a stream's speed falls with (streams at once) ** slowdown
    tokens_per_chunk: int = 1
    mean_tokens: int = 60  # of an answer without a schema
    stall_s: float = 30.0
    seed: int = 0
    chances: dict[Fault, float] = field(default_factory=dict)
    down: bool = False  # every connection is closed at once
    silent: bool = False  # takes every request and answers none
    knows_truncate: bool = True  # False: an old server, which cuts prompts whatever it is told
    stops: bool = True  # False: goes on to the end for a client that has left


@dataclass(slots=True)
class Stats:
    """What a server counted since its start."""

    requests: int = 0
    in_flight: int = 0
    peak: int = 0  # most requests in flight at once
    cancelled: int = 0  # the client left before the reply was whole
    loads: int = 0
    loads_aborted: int = 0  # the client left while the model loaded
    reloads: int = 0  # another num_ctx or shift than the loaded one
    evictions: int = 0
    rejected: int = 0  # 503: too many wait for a load
    tokens: int = 0
    tokens_unheard: int = 0  # generated after the client had left
    faults: dict[Fault, int] = field(default_factory=dict)


class Answered(Exception):
    """Ends a request with this status and error text, as the real server does."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status = status
        self.error = error


def change(config: Config, changes: Mapping[str, Any]) -> None:
    """Set fields of `config` by their names; the models themselves can't be changed this way.

    Raises:
        ValueError: there is no such field or fault.
    """
    settable = {field.name for field in fields(Config)} - {"models", "library"}
    check_known("setting", changes, settable)
    check_known("fault", changes.get("chances", ()), FAULTS)
    for name, value in changes.items():
        setattr(config, name, value)


def check_known(kind: str, names: Iterable[object], all_of: Collection[object]) -> None:
    """Refuse a name that nothing here has.

    Raises:
        ValueError: with the names there are.
    """
    if unknown := [name for name in names if name not in all_of]:
        raise ValueError(f"there is no {kind} {unknown[0]!r}, only {sorted(map(str, all_of))}")
