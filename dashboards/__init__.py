"""The traders' screens."""
