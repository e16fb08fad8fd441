"""Settings, clocks, logging, metrics and health."""
