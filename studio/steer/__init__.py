"""What an operator steers from any door: pauses, retries, cancelled and postponed jobs, checks."""
