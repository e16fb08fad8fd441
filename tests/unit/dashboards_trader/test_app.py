import json

import pytest

from millstream_dashboards.trader.app import VIEWER, options, viewer_of
from millstream_kernel.identity import Person


@pytest.mark.parametrize(("language", "spoken", "loading"), [("de", "de", "Wird geladen…"), ("xx", "en", "Loading…")])
def test_the_page_is_told_language_and_theme_of_its_viewer_and_nothing_else(language, spoken, loading):
    told = viewer_of(Person(username="</script>", language=language, theme="light"))
    assert "<" not in told
    assert json.loads(told) | {"title": ""} == {"language": spoken, "theme": "light", "title": "", "loading": loading}
    assert VIEWER not in told


def test_kernels_are_reached_over_sockets_and_not_over_ports():
    assert options(bind="127.0.0.1", port=1, pool=2)["KernelManager"] == {"transport": "ipc"}
