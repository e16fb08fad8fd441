import pytest
from support.live import Rig


@pytest.fixture
def rig() -> Rig:
    return Rig()
