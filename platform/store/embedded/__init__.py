"""Real PostgreSQL and Redis servers of one data directory, started, found again and stopped without root or Docker."""

from .postgres import EmbeddedPostgres
from .redis import EmbeddedRedis
from .server import ServerStatus

__all__ = ["EmbeddedPostgres", "EmbeddedRedis", "ServerStatus"]
