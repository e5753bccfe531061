"""What a channel's plan asks the database, and under which passport."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bookai.channels import ChannelSettings
from bookai.db import planning
from bookai.db.planning import Asked
from bookai.settings import Settings
from studio.planning.platform import DAY, is_per_app
from studio.planning.slots import begin_of, day_of


def passport_of(settings: Settings, channel: str) -> ChannelSettings:
    """Return a channel's passport; no slot is further away than an approval lasts.

    Raises:
        OperatorNeeded: there is no such channel.
    """
    passport = settings.channel(channel)
    lead_hours = min(passport.cadence.lead_hours, settings.approval_hours)
    cadence = passport.cadence.model_copy(update={"lead_hours": lead_hours})
    return passport.model_copy(update={"cadence": cadence})


def asked_of(settings: Settings, channel: str, at: datetime) -> Asked:
    """Return what is to be counted for a channel's plan."""
    passport = settings.channel(channel)
    zone = ZoneInfo(passport.time_zone)
    today = day_of(at, zone)
    began = begin_of(today, zone)
    return Asked(
        channel=channel,
        peers=_peers(settings, channel),
        platform=passport.platform,
        zone=passport.time_zone,
        at=at,
        day_began=began,
        posts_since=min(began, at - DAY),
        week_began=begin_of(today - timedelta(days=planning.counts.DECIDED_DAYS), zone),
        money=passport.budget.cents_per_day is not None,
    )


def _peers(settings: Settings, channel: str) -> tuple[str, ...]:
    """Return the channels whose posts the platform counts together with this one's."""
    ours = settings.channel(channel)
    per_app = is_per_app(ours.platform)
    return tuple(
        name
        for name, one in settings.channels.items()
        if one.platform == ours.platform and (per_app or one.account == ours.account)
    )
