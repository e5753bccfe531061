"""What the feeds' items say about the market."""
