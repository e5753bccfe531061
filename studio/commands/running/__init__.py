"""Commands about the loop while it runs."""
