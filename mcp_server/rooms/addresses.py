"""The addresses of what can be read: which there are, what they hold, who may."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from mcp_server.rooms.lent import Kind
from tools.base import Scope

JSON = "application/json"
DIGITS = 18


@dataclass(frozen=True, slots=True)
class Room:
    """One resource, or one template; `kind` names whose number a template takes."""

    uri: str
    title: str
    holds: str
    mime_type: str = JSON
    scope: Scope = "read"
    kind: Kind | None = None

    @property
    def scheme(self) -> str:
        """What stands before the colon."""
        return self.uri.partition("://")[0]

    @property
    def name(self) -> str:
        """The name in lists: a template's scheme, a resource's last word."""
        return self.scheme if self.kind else self.uri.partition("://")[2]

    @property
    def variable(self) -> str:
        """The template's variable."""
        return self.uri.partition("{")[2].rstrip("}")

    def at(self, one: int | str) -> str:
        """Return the address of one of a template's resources, by its number or its name."""
        return self.uri.replace(f"{{{self.variable}}}", quote(str(one), safe=""))


JOB = Room(
    "job://{job_id}",
    "A video job",
    "One job: state, script, findings, fallbacks, times, and its other resources. It changes as "
    "the job does.",
    kind="job",
)
SCRIPT = Room(
    "script://{job_id}",
    "A script beside its sources",
    "What the video says, sentence by sentence, each with the passage of the article that "
    "supports it.",
    kind="script",
)
THUMBNAIL = Room(
    "thumbnail://{job_id}",
    "A video's thumbnail",
    "The picture that stands for the video: a JPEG of what would be published.",
    mime_type="image/jpeg",
    kind="video",
)
VIDEO = Room(
    "video://{job_id}",
    "A video",
    "Facts about the file, and a link to it that works without a token for a short time.",
    kind="video",
)
APPROVAL = Room(
    "approval://{approval_id}",
    "An approval",
    "What would be published if an operator says yes: the post, its flags, the deadline, the "
    "votes so far.",
    kind="approval",
)
EVENT = Room(
    "audit://{event_id}",
    "An audit event",
    "One event of the append-only log, with the exact text that is sealed. It never changes.",
    kind="event",
)
STATUS = Room(
    "studio://status",
    "The studio at a glance",
    "Jobs by state, approvals that wait, posts, the audit log.",
)
JOBS = Room("studio://jobs", "The newest jobs", "The 20 newest jobs. Watch it to hear of any job.")
APPROVALS = Room(
    "studio://approvals",
    "What waits for an operator",
    "The 20 approvals that wait longest. Watch it to hear of new ones.",
)
PUBLICATIONS = Room(
    "studio://publications",
    "The newest posts",
    "The 20 newest posts with their state and address.",
)
PLAN = Room(
    "studio://plan",
    "What the channels publish when",
    "For each channel with slots: today's and tomorrow's, each with its job; every limit with its "
    "figure, and which of them allows no more.",
)
PLATFORMS = Room(
    "studio://platforms",
    "What the platforms take",
    "For each platform its limits, visibilities, flags, and what becomes of an uncertain post.",
)
CHANNELS = Room(
    "studio://channels",
    "The channels",
    "Each channel: target, language, slots, caps, standing, how far it runs alone, pauses.",
)
CHANNEL = Room(
    "channel://{channel}",
    "A channel's passport",
    "One channel in full, what its file does not say included; no secret and no file's name.",
    kind="channel",
)
CAPABILITIES = Room(
    "studio://capabilities",
    "What this studio can do",
    "Encoder, graphics card, voices, writers, platforms, channels: look here before you ask for "
    "what it may not have.",
)
AUTONOMY = Room(
    "studio://autonomy",
    "What channels may do alone",
    "Each channel's rung on the ladder of autonomy: how many unedited approvals in a row, what the "
    "studio approved by rule today, who granted it, what changed last and why.",
)
RESULTS = Room(
    "studio://results",
    "What became of posts",
    "The 20 newest posts: whether each is still there, its views, when the platform was heard; "
    "product pages that are gone; how good forecasts were.",
)

TEMPLATES = (APPROVAL, CHANNEL, EVENT, JOB, SCRIPT, THUMBNAIL, VIDEO)
FIXED = (
    *(APPROVALS, AUTONOMY, CAPABILITIES, CHANNELS, JOBS, PLAN, PLATFORMS, PUBLICATIONS, RESULTS),
    STATUS,
)
_BY_URI: Mapping[str, Room] = {room.uri: room for room in (*TEMPLATES, *FIXED)}
_BY_SCHEME: Mapping[str, Room] = {room.name: room for room in TEMPLATES}
_NAMED = re.compile(r"channel://([A-Za-z0-9._~%-]{1,300})")
_NUMBERED = re.compile(rf"([a-z]+)://([1-9][0-9]{{0,{DIGITS - 1}}})")


def room_of(uri: str) -> Room | None:
    """Return the room of a resource's address or of a template; None for any other."""
    if numbered := _NUMBERED.fullmatch(uri):
        room = _BY_SCHEME.get(numbered[1])
        if room is not CHANNEL:
            return room
    if _NAMED.fullmatch(uri):
        return CHANNEL
    return _BY_URI.get(uri)


def number_in(text: str) -> int | None:
    """Return the number that an address names, or None when no row can have it."""
    is_number = text.isascii() and text.isdecimal() and text[0] != "0" and len(text) <= DIGITS
    return int(text) if is_number else None
