"""What lists share."""
