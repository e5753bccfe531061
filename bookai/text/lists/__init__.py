"""Lists that an operator hands in as CSV files."""
