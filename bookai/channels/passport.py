"""The passport of one channel, as `[channels.NAME]` in `studio.toml` says it."""

import re
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from bookai.channels.credentials import REFERENCE
from bookai.film.material import BrandKit
from bookai.models import Visibility

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _is_clock_time(text: str) -> str:
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", text):
        raise ValueError(f"{text[:20]!r} is no time of day; write it as 09:30")
    return text


def _is_reference(text: str) -> str:
    if not re.match(REFERENCE, text):
        raise ValueError(
            "it does not say where a secret is; write credential:NAME, env:NAME or file:PATH"
        )
    return text


def _is_language(text: str) -> str:
    if not re.fullmatch(r"[a-z]{2}", text):
        raise ValueError(f"{text[:20]!r} is no language; write two letters, such as en")
    return text


ClockTime = Annotated[str, Field(max_length=100), AfterValidator(_is_clock_time)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CadenceSettings(_Table):
    """When a channel publishes, in its own time zone, and how much may be under way.

    Each of `times` on each of `days` is a slot for one post. Without `times` a channel has no
    slots: its sources alone say how often a video is made. `posts_per_day` is a cap that the slots
    cannot exceed; `waiting` is how many videos may wait for an operator at once;
    `approvals_per_day` is how many decisions its operators manage, None: as many as they did.
    """

    times: tuple[ClockTime, ...] = Field(default=(), max_length=96)
    days: tuple[Day, ...] = Field(default=DAYS, min_length=1)
    posts_per_day: int | None = Field(default=None, ge=0, le=10_000)
    waiting: int = Field(default=10, ge=1, le=10_000)
    approvals_per_day: int | None = Field(default=None, ge=0, le=10_000)
    lead_hours: float = Field(default=6.0, gt=0, le=168)

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for name, values in (("times", self.times), ("days", self.days)):
            if len(set(values)) < len(values):
                raise ValueError(f"{name} names something twice")
        return self


class BrandVoice(_Table):
    """How a channel speaks. Raise `version` when you change it: each script says which wrote it."""

    version: int = Field(default=1, ge=1, le=1_000_000)
    tone: str = Field(default="", max_length=600)
    do: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = Field(
        default=(), max_length=12
    )
    avoid: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = Field(
        default=(), max_length=12
    )


class BudgetSettings(_Table):
    """What making a channel's videos may cost, each day in its own time zone; None: no limit."""

    cents_per_day: float | None = Field(default=None, gt=0, le=100_000_000)
    videos_per_day: int | None = Field(default=None, ge=0, le=100_000)


class AutonomySettings(_Table):
    """How far a channel may run alone; off by default.

    After `after` approvals in a row that nobody edited, the studio itself approves up to `per_day`
    posts a day that lie below the risk line. None: never.
    """

    after: int | None = Field(default=None, ge=3, le=1000)
    per_day: int = Field(default=1, ge=1, le=1000)


class ChannelSettings(_Table):
    """What is made for a channel, where it goes, when, and for how much.

    `standing` is what the platform allows the account: an account that was not audited publishes
    privately. `credentials` names where its secret is (`credential:NAME`, `env:NAME`,
    `file:PATH`), never the secret.
    """

    language: Annotated[str, AfterValidator(_is_language)] = "en"
    content: Literal["creative", "technical"] = "creative"
    platform: str = "gallery"
    account: str = "local"
    standing: Literal["audited", "private_only"] = "audited"
    credentials: Annotated[str, AfterValidator(_is_reference)] | None = None
    time_zone: str = Field(default="UTC", max_length=60)
    niches: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] = Field(
        default=(), max_length=50
    )
    visibility: Visibility | None = None
    made_for_kids: bool | None = None
    seconds: float = Field(default=35.0, ge=20, le=45)
    banned_phrases: tuple[str, ...] = ()
    voice: str = "espeak"
    brand: str = Field(default="BookAI Studio", max_length=40)
    kit: BrandKit = BrandKit()
    brand_voice: BrandVoice = BrandVoice()
    cadence: CadenceSettings = CadenceSettings()
    budget: BudgetSettings = BudgetSettings()
    autonomy: AutonomySettings = AutonomySettings()
    approvals_needed: int = Field(default=1, ge=1, le=5)
    approvers: tuple[Annotated[str, Field(pattern=r"^operator:.", max_length=200)], ...] = ()
    own_jobs: bool | None = None

    @field_validator("time_zone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(
                f"there is no time zone {name!r}; write it as Europe/Berlin"
            ) from error
        return name

    @model_validator(mode="after")
    def _can_be_approved(self) -> Self:
        names = len(set(self.approvers))
        if self.approvers and names < max(self.approvals_needed, len(self.approvers)):
            raise ValueError(
                f"approvals_needed = {self.approvals_needed} needs as many different approvers, "
                f"each named once; these are {names}"
            )
        return self

    @model_validator(mode="after")
    def _is_private_where_it_must(self) -> Self:
        if self.standing == "private_only" and self.visibility not in (None, "private"):
            raise ValueError(
                f"visibility = {self.visibility!r}, but the account is private_only: the platform "
                "would refuse it or make it private"
            )
        return self
