"""Looking after what the studio keeps: copies of it, how long it stays, how much room is left."""
