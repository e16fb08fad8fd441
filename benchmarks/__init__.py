"""How fast the trading path is, beside the floor of this machine: ``python -m benchmarks``."""
