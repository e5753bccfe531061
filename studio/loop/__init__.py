"""The autonomous loop: one leader among all processes does each thing once, at its time."""
