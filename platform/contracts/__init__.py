"""Contracts: events, ids, money, errors, the topic table and its schemas. Pure: imports nothing of Millstream above it."""
