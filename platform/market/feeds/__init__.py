"""Feeds: where market data comes from. Each implements :class:`~millstream.market.feeds.base.Feed`."""

from .base import Feed, FeedContext, Publish, create_feed, feed_names, register_feed

__all__ = ["Feed", "FeedContext", "Publish", "create_feed", "feed_names", "register_feed"]
