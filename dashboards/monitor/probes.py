"""Health and metrics of the monitor's process, for probes and Prometheus."""

import json

from bokeh.server.server import Server
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from tornado.web import RequestHandler

from .feed import Feeds


class Probe:
    """What the process says about itself."""

    def __init__(self, feeds: Feeds) -> None:
        self.feeds = feeds
        self.server: Server | None = None
        self.registry = CollectorRegistry()
        self._gauges = {
            "sessions": Gauge("millstream_monitor_sessions", "Open browser tabs", registry=self.registry),
            "feeds": Gauge("millstream_monitor_feeds", "Live streams of the gateway", registry=self.registry),
            "live": Gauge("millstream_monitor_feeds_live", "Live streams that stand", registry=self.registry),
        }

    def look(self) -> dict[str, int]:
        """Counts of this moment."""
        counts = {
            "sessions": len(self.server.get_sessions()) if self.server else 0,
            "feeds": len(self.feeds),
            "live": self.feeds.live,
        }
        for name, value in counts.items():
            self._gauges[name].set(value)
        return counts


class _Handler(RequestHandler):
    def initialize(self, probe: Probe) -> None:
        self.probe = probe


class Health(_Handler):
    """``/healthz``: the process answers."""

    def get(self) -> None:
        self.set_header("Content-Type", "application/json")
        self.write(json.dumps({"status": "ok", **self.probe.look()}))


class Metrics(_Handler):
    """``/metrics``."""

    def get(self) -> None:
        self.probe.look()
        self.set_header("Content-Type", CONTENT_TYPE_LATEST)
        self.write(generate_latest(self.probe.registry))
