"""Order lifecycle, venues and the executor."""
