"""Earned autonomy: the studio's own yes, under a rule that an operator granted and a no ends."""

from studio.autonomy.ladder import grant, ladder_of, lock, measure, strike
from studio.autonomy.terms import terms_of
from studio.autonomy.tick import ladder_tick

__all__ = ["grant", "ladder_of", "ladder_tick", "lock", "measure", "strike", "terms_of"]
