"""The Panel monitor: pages for traders and operators over the gateway's client."""
