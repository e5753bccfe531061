"""Typed settings from the environment and one TOML file, read at the doors only.

`$BOOKAI_HOME/studio.toml` holds what an operator chooses; the environment holds where things are.
Plain values travel inward: nothing below the doors reads this module.
"""

import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from bookai.channels import ChannelSettings as ChannelSettings
from bookai.channels.sharing import laxer
from bookai.errors import OperatorNeeded
from bookai.mcp_settings import AgentHostSettings as AgentHostSettings
from bookai.mcp_settings import ApprovalsSettings, McpSettings
from bookai.model_settings import ModelsSettings
from bookai.running import DiskSettings, LoopSettings, RetentionSettings, TracesSettings
from bookai.toml import line_of, lines_of, syntax_error, wrong_values


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SourceSettings(_Table):
    """A feed that the loop reads every `every_s` seconds for `channel`; `niche` is its subject."""

    url: str
    channel: str = "default"
    niche: str | None = Field(default=None, min_length=1, max_length=100)
    every_s: int = Field(default=3600, ge=60, le=604_800)


class OllamaSettings(_Table):
    """The local model server; `model`, where it is given, goes first in [models] creative.

    `timeout_s` limits one whole question, whoever answers it.
    """

    host: str = "http://127.0.0.1:11434"
    model: str | None = Field(default=None, pattern=r"^[^\s/][^\s]{0,119}$")
    timeout_s: float = Field(default=170.0, gt=0, le=1800)


class ExportSettings(BaseModel):
    """A place for signed checkpoints outside the database; the rest is its kind's own."""

    model_config = ConfigDict(frozen=True, extra="allow")

    kind: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")
    every_s: float = Field(default=60.0, ge=10, le=86_400)
    timeout_s: float = Field(default=30.0, gt=0, le=300)


class AuditSettings(_Table):
    """Where signed checkpoints go beside the studio's own file."""

    exports: tuple[ExportSettings, ...] = ()


class Settings(_Table):
    """Everything an operator can set. Times are in the unit that the name says."""

    home: Path
    dsn: str | None = None
    admin_dsn: str | None = None
    mcp_url: str | None = None
    mcp_token: str | None = None
    mcp_state_keys: str | None = None
    http_port: int = Field(default=8931, ge=1, le=65535)
    metrics_port: int = Field(default=9464, ge=0, le=65535)
    public_url: str | None = Field(default=None, max_length=500, pattern=r"^https?://[^\s/]")
    approval_hours: float = Field(default=72.0, gt=0, le=24 * 90)
    allow_private: tuple[str, ...] = ()
    ollama: OllamaSettings = OllamaSettings()
    models: ModelsSettings = ModelsSettings()
    audit: AuditSettings = AuditSettings()
    mcp: McpSettings = McpSettings()
    approvals: ApprovalsSettings = ApprovalsSettings()
    channels: Mapping[str, ChannelSettings] = {"default": ChannelSettings()}
    sources: tuple[SourceSettings, ...] = ()
    loop: LoopSettings = LoopSettings()
    retention: RetentionSettings = RetentionSettings()
    disk: DiskSettings = DiskSettings()
    traces: TracesSettings = TracesSettings()
    agent_hosts: tuple[AgentHostSettings, ...] = ()
    plugins: Mapping[str, Mapping[str, Any]] = {}

    @field_validator("agent_hosts")
    @classmethod
    def _each_once(cls, hosts: tuple[AgentHostSettings, ...]) -> tuple[AgentHostSettings, ...]:
        names = [host.name for host in hosts]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"two hosts are called {min(twice)!r}")
        return hosts

    @property
    def work_dir(self) -> Path:
        """Files of jobs, a folder each."""
        return self.home / "work"

    @property
    def gallery_dir(self) -> Path:
        """The local gallery: a static site."""
        return self.home / "gallery"

    @property
    def c2pa_dir(self) -> Path:
        """The certificate that signs videos, made by the studio itself."""
        return self.home / "c2pa"

    @property
    def postgres_dir(self) -> Path:
        """The embedded database."""
        return self.home / "postgres"

    @property
    def audit_dir(self) -> Path:
        """The signing key and the exported checkpoints."""
        return self.home / "audit"

    @property
    def link_key_path(self) -> Path:
        """The key that signs one-time approval links."""
        return self.home / "links.key"

    @property
    def state_keys_path(self) -> Path:
        """The keys that seal what MCP clients carry between two rounds of a call."""
        return Path(self.mcp.state_keys_file or self.home / "mcp-state.keys")

    @property
    def mcp_resource(self) -> str:
        """The MCP server's address as clients know it."""
        return self.mcp.url or f"http://127.0.0.1:{self.http_port}/mcp"

    @property
    def media_key_path(self) -> Path:
        """The key that signs links to videos and pictures; without it the old links end."""
        return self.home / "media.key"

    @property
    def web_url(self) -> str:
        """Where people reach the approval pages, without a slash at the end."""
        return (self.public_url or f"http://127.0.0.1:{self.http_port}").rstrip("/")

    def channel(self, name: str) -> ChannelSettings:
        """Return a channel's settings, with `own_jobs` as it is for the studio where not said.

        Raises:
            OperatorNeeded: there is no such channel.
        """
        if name not in self.channels:
            raise OperatorNeeded(
                f"there is no channel {name!r}.",
                mend=f"Known: {', '.join(sorted(self.channels))}. "
                f"To add one: [channels.{name}] in {self.home / 'studio.toml'}.",
            )
        found = self.channels[name]
        own_jobs = self.approvals.single_operator if found.own_jobs is None else found.own_jobs
        return found.model_copy(update={"own_jobs": own_jobs})


_ENVIRONMENT = {
    "BOOKAI_DSN": "dsn",
    "BOOKAI_ADMIN_DSN": "admin_dsn",
    "BOOKAI_MCP_URL": "mcp_url",
    "BOOKAI_MCP_TOKEN": "mcp_token",
    "BOOKAI_MCP_STATE_KEYS": "mcp_state_keys",
    "BOOKAI_HTTP_PORT": "http_port",
    "BOOKAI_METRICS_PORT": "metrics_port",
    "BOOKAI_PUBLIC_URL": "public_url",
}


def _with_scheme(host: str) -> str:
    """Ollama's own client takes `host:port`; so do we."""
    return host if "://" in host else f"http://{host}"


_IN_TABLES: Mapping[str, tuple[str, str, Callable[[str], Any]]] = {
    "OLLAMA_HOST": ("ollama", "host", _with_scheme),
    "BOOKAI_LOOP_SPEED": ("loop", "speed", str),
    "BOOKAI_FFMPEG": ("plugins", "ffmpeg", lambda path: {"path": path}),
}


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the environment and `studio.toml`; the environment wins.

    Raises:
        OperatorNeeded: the file is no TOML, or holds a key or a value that is not understood.
    """
    env = os.environ if environment is None else environment
    home = Path(env.get("BOOKAI_HOME") or platformdirs.user_data_dir("bookai")).expanduser()
    home = home.absolute()
    toml = home / "studio.toml"
    text = _read(toml) if toml.is_file() else ""
    return check_settings(text, toml, env)


class WrongSettings(OperatorNeeded):
    """A file is wrong; `found` is everything that is, each thing with its line where it has one."""

    def __init__(self, toml: Path, found: Sequence[tuple[int | None, str]]) -> None:
        lines = [f"{toml}:{line}: {what}" if line else what for line, what in found]
        many = (f"{len(lines)} things are wrong:", *lines)
        super().__init__(lines[0] if len(lines) == 1 else "\n  ".join(many))
        self.found = tuple(found)


def check_settings(text: str, toml: Path, env: Mapping[str, str] | None = None) -> Settings:
    """Return the settings that a file of this text gives, together with the environment.

    Raises:
        WrongSettings: everything that is wrong with it, each thing with its line and the mend.
    """
    env = os.environ if env is None else env
    try:
        values: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line, said = syntax_error(text, error)
        raise WrongSettings(toml, [(line, f"it cannot be read: {said}")]) from None
    values["home"] = toml.parent
    values |= {key: env[name] for name, key in _ENVIRONMENT.items() if env.get(name)}
    for name, (table, key, meant) in _IN_TABLES.items():
        found = values.get(table, {})
        # What is no table is told as such below.
        if env.get(name) and isinstance(found, dict):
            values[table] = {**found, key: meant(env[name])}
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        came = {key: name for name, key in _ENVIRONMENT.items() if env.get(name)}
        found = wrong_values(error, Settings, lines_of(text), came)
        # From None: the library's own words repeat the values, and one may be a secret.
        raise WrongSettings(toml, found) from None
    lines = lines_of(text)
    shared = [
        (line_of(lines, ("channels", name, key)), f"channels.{name}.{key}: {what}")
        for name, key, what in laxer(settings.channels)
    ]
    if shared:
        raise WrongSettings(toml, shared)
    return settings


def _read(toml: Path) -> str:
    try:
        return toml.read_text(encoding="utf-8")
    except (UnicodeDecodeError, OSError) as error:
        raise OperatorNeeded(f"{toml} cannot be read: {error}.", mend="Correct it.") from error
