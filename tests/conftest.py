"""Fixtures for every test."""

pytest_plugins = ["support.servers", "support.gateway", "support.history"]
