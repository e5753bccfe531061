"""Typed settings from the environment and one TOML file, read at the doors only.

`$BOOKAI_HOME/studio.toml` holds what an operator chooses; the environment holds where things are.
Plain values travel inward: nothing below the doors reads this module.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from bookai.channels import ChannelSettings as ChannelSettings
from bookai.errors import OperatorNeeded
from bookai.mcp_settings import AgentHostSettings as AgentHostSettings
from bookai.mcp_settings import ApprovalsSettings, McpSettings
from bookai.model_settings import ModelsSettings
from bookai.running import DiskSettings, LoopSettings, RetentionSettings, TracesSettings


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


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the environment and `studio.toml`; the environment wins.

    Raises:
        OperatorNeeded: the file is no TOML, or holds a key or a value that is not understood.
    """
    env = os.environ if environment is None else environment
    home = Path(env.get("BOOKAI_HOME") or platformdirs.user_data_dir("bookai")).expanduser()
    home = home.absolute()
    toml = home / "studio.toml"
    values: dict[str, Any] = {}
    if toml.is_file():
        try:
            values = tomllib.loads(toml.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
            raise OperatorNeeded(f"{toml} cannot be read: {error}.", mend="Correct it.") from error
    values["home"] = home
    values |= {key: env[name] for name, key in _ENVIRONMENT.items() if env.get(name)}
    if env.get("OLLAMA_HOST"):
        values["ollama"] = {
            **_table(values, "ollama", toml),
            "host": _with_scheme(env["OLLAMA_HOST"]),
        }
    if env.get("BOOKAI_LOOP_SPEED"):
        values["loop"] = {**_table(values, "loop", toml), "speed": env["BOOKAI_LOOP_SPEED"]}
    if env.get("BOOKAI_FFMPEG"):
        plugins = _table(values, "plugins", toml)
        values["plugins"] = {**plugins, "ffmpeg": {"path": env["BOOKAI_FFMPEG"]}}
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(str(part) for part in one['loc'])}: {one['msg'].lower()}"
            for one in error.errors(include_input=False, include_url=False)
        )
        raise OperatorNeeded(f"{toml} or the environment: {wrong}.", mend="Correct it.") from error


class ChannelsNow:
    """The channels as `studio.toml` has them now: it is read again when it has changed.

    A studio that began without the file has the channels of its settings until there is one.
    """

    def __init__(self, settings: Settings) -> None:
        self._toml = settings.home / "studio.toml"
        self._had_file = self._toml.exists()
        self._found = settings
        self._seen: tuple[int, ...] | None = None

    def channel(self, name: str) -> ChannelSettings:
        """Return a channel's settings of this moment.

        Raises:
            OperatorNeeded: there is no such channel, or the file is gone or not understood: what
                it said before counts no more.
        """
        seen = _stamp(self._toml)
        if seen is None and self._had_file:
            raise OperatorNeeded(f"{self._toml} is gone or cannot be read.", mend="Put it back.")
        if seen != self._seen:
            self._found = read_settings({"BOOKAI_HOME": str(self._toml.parent)})
            self._had_file, self._seen = True, seen
        return self._found.channel(name)


def _stamp(path: Path) -> tuple[int, ...] | None:
    """Return what tells one version of a file from another; None when there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _table(values: dict[str, Any], name: str, toml: Path) -> dict[str, Any]:
    found = values.get(name, {})
    if not isinstance(found, dict):
        raise OperatorNeeded(f"{toml}: {name} must be a table.", mend=f"Write it as [{name}].")
    return found


def _with_scheme(host: str) -> str:
    """Ollama's own client takes `host:port`; so do we."""
    return host if "://" in host else f"http://{host}"
