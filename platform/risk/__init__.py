"""Risk rules, the pure engine that applies them, and the service around it."""
