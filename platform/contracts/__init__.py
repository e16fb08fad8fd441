"""Contracts: events, ids, money, errors, the topic table and its schemas. Pure."""
