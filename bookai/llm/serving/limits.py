"""How long things may take at model servers, and how often they are tried."""

from dataclasses import dataclass

UNREADABLE = (
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    RecursionError,
    ImportError,
    OSError,
)
"""What libraries let out when a server, its address or its key is none they can make sense of.

It ends one look at one server, never the studio.
"""


@dataclass(frozen=True, slots=True)
class Limits:
    """All times are seconds.

    `question_s` is for one whole question unless its asker has less. `first_chunk_s` is what a
    server with the model in memory gets until its first word, besides the time to read the
    prompt: `read_s` a token as long as its pace is not known, then four times its pace.
    """

    question_s: float = 170.0
    first_chunk_s: float = 6.0
    read_s: float = 0.02
    idle_s: float = 8.0
    # The share of the time that is kept for the built-in writer, which needs little.
    keep_share: float = 0.1
    keep_s: float = 5.0
    # The share of the time left that a question waits for a model to be loaded.
    cold_share: float = 0.6
    load_s: float = 300.0
    load_guess_s: float = 20.0
    load_again_s: float = 30.0
    look_s: float = 2.0
    look_every_s: float = 2.0
    # Nobody asked for this long: servers are looked at less often.
    quiet_after_s: float = 60.0
    look_quietly_every_s: float = 10.0
    # A model that is not the last of its chain, and the last one.
    tries: int = 2
    last_tries: int = 4
    max_waiting: int = 500
