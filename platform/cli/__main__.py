"""``python -m millstream.cli``."""

from .main import main

main()
