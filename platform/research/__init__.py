"""Data access, backtests and the checks that hold them against the trading core."""
