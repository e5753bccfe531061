"""What an agent file exports: `AGENT`, one who decides."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bookai.channels import BrandVoice
from bookai.film.material import BrandKit
from bookai.llm.base import Ask
from bookai.models import Capability, Record, VideoJob, Visibility
from bookai.toolbox import Toolbox


class Channel(Record):
    """The channel a job is made for; plain values, read from settings in the wiring."""

    name: str = "default"
    language: str = "en"
    content: Literal["creative", "technical"] = "creative"
    platform: str = "gallery"
    account: str = "local"
    standing: Literal["audited", "private_only"] = "audited"
    visibility: Visibility | None = None
    made_for_kids: bool | None = None
    seconds: float = 35.0
    banned_phrases: tuple[str, ...] = ()
    voice: str = "espeak"
    brand: str = "BookAI Studio"
    kit: BrandKit = BrandKit()
    brand_voice: BrandVoice = BrandVoice()


@dataclass(frozen=True, slots=True)
class Context:
    """What an agent may use. `progress(fraction, message)` reports within the running step."""

    ask: Ask
    tools: Toolbox
    channel: Channel
    now: datetime
    progress: Callable[[float, str], Awaitable[None]]


class Agent(ABC):
    """One who decides. Never imports a tool; reaches them through `Context.tools`.

    `capacity` is how many steps it takes at once in one process; `proficiency` how often it expects
    to succeed, 0 to 1, before anybody has seen it work.
    """

    name: str
    capabilities: frozenset[Capability]
    capacity: int = 8
    proficiency: float = 0.9

    @abstractmethod
    async def run(self, capability: Capability, job: VideoJob, ctx: Context) -> VideoJob:
        """Return `job` with the field of this capability filled in.

        Raises:
            Refused: the job should not go on; the message says why.
            BookAIError: it did not work; the next candidate stands in.
        """
