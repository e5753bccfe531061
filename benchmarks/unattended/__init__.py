"""What the benchmarks of the running studio share: a home, feeds, processes, meters, judges."""
