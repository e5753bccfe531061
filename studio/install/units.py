"""The units, as text. `systemd/` holds what this writes for /opt/bookai."""

from dataclasses import dataclass

from bookai.db.embedded import CONNECTIONS
from studio.install.place import CREDSTORE, PREFIX, STEPS_SINCE, Place, quoted
from studio.install.sandbox import NO_NETWORK, SYSTEM, USER

MARK = "# Written by bookai install; bookai uninstall removes it. Changes: systemctl edit."
TARGET = "bookai.target"
POSTGRES = "bookai-postgres.service"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of unit: its file, its sentence, what it runs and what it may use."""

    name: str
    says: str
    command: str
    memory: str = "75%"
    tasks: int = 512


KINDS = (
    Kind("bookai-loop.service", "loop: schedule, work, audit sealer", "loop"),
    Kind("bookai-mcp.service", "MCP server and approval pages", "serve"),
    Kind("bookai-worker@.service", "worker %i", "worker"),
)
KEEPER = Kind(POSTGRES, "database", "postgres", memory="50%", tasks=256)


def connections(workers: int) -> int:
    """Return how many connections a studio with so many workers may need."""
    return 40 + 10 * workers


def units(place: Place) -> dict[str, str]:
    """Return each unit's text by its file name."""
    kinds = (*KINDS, KEEPER) if place.with_postgres else KINDS
    return {TARGET: _target(place)} | {kind.name: _service(kind, place) for kind in kinds}


def started(place: Place) -> tuple[str, ...]:
    """Return the units to enable and start, in their order; the target is the last."""
    found = ["bookai-mcp.service", "bookai-loop.service"]
    found += [f"bookai-worker@{number}.service" for number in range(1, place.workers + 1)]
    return (*([POSTGRES] if place.with_postgres else []), *found, TARGET)


def _target(place: Place) -> str:
    wanted = "multi-user.target" if place.scope == "system" else "default.target"
    return "\n".join(
        (
            MARK,
            "# All of BookAI Studio: start it, stop it, have it at boot.",
            "[Unit]",
            "Description=BookAI Studio",
            "",
            "[Install]",
            f"WantedBy={wanted}",
            "",
        )
    )


def _service(kind: Kind, place: Place) -> str:
    return "\n".join(
        (
            MARK,
            "[Unit]",
            *_unit(kind, place),
            "",
            "[Service]",
            *_service_lines(kind, place),
            "",
            *_sandbox(kind, place),
            "",
            "[Install]",
            f"WantedBy={TARGET}",
            *(["DefaultInstance=1"] if "@" in kind.name else []),
            "",
        )
    )


def _unit(kind: Kind, place: Place) -> list[str]:
    lines = [f"Description=BookAI Studio {kind.says}", f"PartOf={TARGET}"]
    is_keeper = kind is KEEPER
    if place.scope == "system" and not is_keeper:
        lines += ["Wants=network-online.target", "After=network-online.target postgresql.service"]
    if place.with_postgres and not is_keeper:
        lines += [f"Wants={POSTGRES}", f"After={POSTGRES}"]
    # Never give up: what keeps us from starting (a database, a typing error) is mended in time.
    return [*lines, "StartLimitIntervalSec=0"]


def _service_lines(kind: Kind, place: Place) -> list[str]:
    lines = [
        "Type=notify",
        "NotifyAccess=main",
        f"ExecStart={quoted(place.program)} {kind.command}",
        # A hung process is ended by SIGABRT: its journal then shows where each thread stood.
        "Environment=PYTHONUNBUFFERED=1 PYTHONFAULTHANDLER=1",
        f"Environment={_home(place)}",
    ]
    if place.with_postgres and kind is not KEEPER:
        lines.append("Environment=BOOKAI_PG_JOIN=1")
    tasks = kind.tasks
    if kind is KEEPER and (most := connections(place.workers)) > CONNECTIONS:
        lines.append(f"Environment=BOOKAI_PG_CONNECTIONS={most}")
        tasks += most - CONNECTIONS  # a process each
    lines += ["Restart=always", "RestartSec=5"]
    if place.version >= STEPS_SINCE:
        lines += ["RestartSteps=5", "RestartMaxDelaySec=120"]
    lines += [
        "RestartPreventExitStatus=2",
        "WatchdogSec=60",
        "TimeoutStartSec=300",
        "# A render has 60 s to finish, an embedded server 60 s to end.",
        "TimeoutStopSec=150",
        "KillMode=mixed",
        "OOMPolicy=continue",
        f"MemoryHigh={kind.memory}",
        f"TasksMax={tasks}",
        "LimitNOFILE=65536",
    ]
    if kind is not KEEPER:
        lines += _secrets(place)
    return lines


def _home(place: Place) -> str:
    if place.scope == "system":
        return "BOOKAI_HOME=%S/bookai"
    text = quoted(place.home)
    return f'"BOOKAI_HOME={text[1:]}' if text.startswith('"') else f"BOOKAI_HOME={text}"


def _secrets(place: Place) -> list[str]:
    if place.scope == "system":
        return [f"LoadCredential={name}:{CREDSTORE}/{PREFIX}{name}" for name in place.credentials]
    return [f"EnvironmentFile=-{quoted(place.secrets)}"] if place.secrets else []


def _sandbox(kind: Kind, place: Place) -> list[str]:
    text = SYSTEM if place.scope == "system" else USER
    if kind is KEEPER and place.scope == "system":
        text += NO_NETWORK
    return text.splitlines()
