"""What an operator says about models: which for what, on which servers, for how much money.

A model is named by its reference, `provider/name`, as in `ollama/llama3.1:8b`.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

ContentKind = Literal["creative", "technical", "short_copy", "translation", "judge"]
CONTENT_KINDS: tuple[ContentKind, ...] = (
    "creative",
    "technical",
    "short_copy",
    "translation",
    "judge",
)
Ref = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}/[^\s/][^\s]{0,119}$")]
ProviderName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]

_LLAMA = "ollama/llama3.1:8b"
_CODE = "ollama/codellama:7b"
_MISTRAL = "ollama/mistral:7b"


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ServerSettings(_Table):
    """One model server. `key_env` names the environment variable that holds its key.

    `slots` calls run there at once; `max_loaded` models lie in its memory at once. `free` says
    that a server with a key bills nothing. `proxy` sends its calls by way of HTTPS_PROXY.
    """

    provider: ProviderName
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")
    url: str = Field(default="", max_length=500, pattern=r"^(https?://[^\s/@]+(/[^\s@]*)?)?$")
    slots: int = Field(default=1, ge=1, le=256)
    max_loaded: int = Field(default=3, ge=1, le=64)
    key_env: str | None = Field(default=None, pattern=r"^[A-Z][A-Z0-9_]{0,99}$")
    free: bool = False
    proxy: bool = False


class SpecSettings(_Table):
    """What is particular to one model. A price is cents for a million tokens."""

    num_ctx: int = Field(default=8192, ge=512, le=2_000_000)
    max_tokens: int = Field(default=1200, ge=16, le=200_000)
    proficiency: float = Field(default=0.9, gt=0, lt=1)
    input_cents_per_mtok: float | None = Field(default=None, ge=0, le=1_000_000)
    output_cents_per_mtok: float | None = Field(default=None, ge=0, le=1_000_000)

    @model_validator(mode="after")
    def _has_a_whole_price(self) -> Self:
        if (self.input_cents_per_mtok is None) != (self.output_cents_per_mtok is None):
            raise ValueError("a price is both input_cents_per_mtok and output_cents_per_mtok")
        return self


class BudgetSettings(_Table):
    """What a provider's calls may cost together, each day in UTC."""

    cents_per_day: float = Field(gt=0, le=100_000_000)


class ModelsSettings(_Table):
    """Which models are asked for which kind of text, best first; `extractive` comes after them."""

    creative: tuple[Ref, ...] = (_LLAMA, _MISTRAL)
    technical: tuple[Ref, ...] = (_CODE, _LLAMA)
    short_copy: tuple[Ref, ...] = (_MISTRAL, _LLAMA)
    translation: tuple[Ref, ...] = (_LLAMA, _MISTRAL)
    judge: tuple[Ref, ...] = (_LLAMA, _MISTRAL)
    servers: tuple[ServerSettings, ...] = Field(default=(), max_length=16)
    specs: Mapping[Ref, SpecSettings] = {}
    budgets: Mapping[ProviderName, BudgetSettings] = {}

    def chains(self, first: str | None = None) -> Iterator[tuple[ContentKind, tuple[str, ...]]]:
        """Yield each kind of text with its models; `first` goes before the creative ones."""
        for kind in CONTENT_KINDS:
            refs: tuple[str, ...] = getattr(self, kind)
            if kind == "creative" and first is not None:
                refs = (first, *refs)
            yield kind, tuple(dict.fromkeys(refs))

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        names = [server.name for server in self.servers]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two servers are called {twice[0]!r}: each needs a name of its own")
        return self
