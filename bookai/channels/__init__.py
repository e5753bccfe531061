"""A channel's passport: what it is, where its videos go, how often, and how far it runs alone."""

from bookai.channels.passport import (
    DAYS,
    AutonomySettings,
    BrandVoice,
    BudgetSettings,
    CadenceSettings,
    ChannelSettings,
    Day,
)

__all__ = [
    "DAYS",
    "AutonomySettings",
    "BrandVoice",
    "BudgetSettings",
    "CadenceSettings",
    "ChannelSettings",
    "Day",
]
