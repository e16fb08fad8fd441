"""``python -m millstream_dashboards.trader``: serve the trader app until it is stopped."""

import sys

from .serve import main

sys.exit(main())
