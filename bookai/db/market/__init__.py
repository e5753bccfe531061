"""What the feeds showed, and what the networks paid."""
