"""Importing the client stays light: a trader's kernel holds it and little else."""

import json
import subprocess
import sys
from typing import Any

HEAVY = ("pandas", "numpy", "IPython", "psycopg", "redis", "panel", "vectorbt", "fastapi", "httpx", "picows")
PROBE = """
import json, sys
import millstream.client
import psutil
print(json.dumps({"rss": psutil.Process().memory_info().rss, "modules": list(sys.modules)}))
"""


def probed() -> dict[str, Any]:
    ran = subprocess.run([sys.executable, "-c", PROBE], check=True, capture_output=True, text=True)
    return json.loads(ran.stdout)


def test_importing_the_client_is_light():
    found = probed()
    assert [name for name in HEAVY if name in found["modules"]] == []
    assert found["rss"] < 60_000_000
