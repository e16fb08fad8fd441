"""How fast the trader app's page stands, beside a bare Voila: ``python -m benchmarks.trader``."""
