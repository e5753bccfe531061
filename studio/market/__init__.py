"""The market as the studio sees it: what rises in the feeds, what the videos earn."""
