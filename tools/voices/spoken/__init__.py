"""What is said for what is shown, in each language."""
