"""The processes that execute promoted notebooks, and their supervisor."""
