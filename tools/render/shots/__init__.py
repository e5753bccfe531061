"""Decide what stands on the screen while a sentence is spoken: from its own words and figures."""
