"""What a channel starts next: never what nobody can approve and publish."""

from studio.planning.plan import Move, Plan, plan

__all__ = ["Move", "Plan", "plan"]
