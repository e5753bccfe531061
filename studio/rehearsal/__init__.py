"""A week of the real loop in minutes, in a world of its own that can publish nothing."""
