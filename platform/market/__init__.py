"""Instruments, candles and the feeds that deliver them."""
