"""Earned autonomy: the ladder a channel climbs, and the studio's own yes under an operator's rule.

The database keeps the rules itself (migration 018): people's decisions move a channel, whichever
door they came through, and only `approve_by_rule` writes a yes that no person gave.
"""
