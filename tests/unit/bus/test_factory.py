import subprocess
import sys

import pytest

from millstream.bus import create_bus
from millstream.contracts.clock import ManualClock
from millstream.contracts.errors import ConfigurationError

PROBE = "import sys, millstream.bus; print([n for n in ('redis', 'aiokafka') if n in sys.modules])"


def test_importing_the_bus_imports_no_client_library():
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("kind", "address", "namespace", "message"),
    [
        ("rabbit", "x", "", "no bus 'rabbit'"),
        ("redis", "http://user:pw4@host", "", "not a Redis URL"),
        ("memory", "", "a b", "namespace"),
        ("memory", "", "a:b", "namespace"),
    ],
)
def test_what_cannot_be_a_bus_is_refused(kind, address, namespace, message):
    with pytest.raises(ConfigurationError, match=message) as caught:
        create_bus(kind, address, clock=ManualClock(), namespace=namespace)
    assert caught.value.hint
    assert "pw4" not in str(caught.value)
