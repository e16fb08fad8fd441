"""What the gateway says and takes over HTTP: the models that the gateway, its client and the screens share.

Money and quantities are decimals, written as JSON strings; times are RFC 3339 in UTC. Unknown fields of a request are
refused, unknown fields of an answer are ignored by clients.
"""
