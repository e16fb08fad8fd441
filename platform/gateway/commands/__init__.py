"""What people do to trading: tickets, cancels, flattening, the kill switch. Each is audited, and answered by effect."""
