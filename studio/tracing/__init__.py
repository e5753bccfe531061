"""Send traces to a collector, where the settings name one."""
