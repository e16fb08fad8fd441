"""What a live event costs on its way to very many screens, beside bare servers: ``python -m benchmarks.ws``."""
