"""What a channel starts next: never what nobody can approve and publish."""

from studio.planning.plan import Move, Plan, plan
from studio.planning.tick import plan_channel

__all__ = ["Move", "Plan", "plan", "plan_channel"]
