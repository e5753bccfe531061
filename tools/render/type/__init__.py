"""Type in every script that the shipped fonts have: which font, which direction, where to break."""
