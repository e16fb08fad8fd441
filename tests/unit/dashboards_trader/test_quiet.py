import comm
import ipywidgets
import pytest
from ipykernel.comm.comm import BaseComm
from IPython.core.interactiveshell import InteractiveShell

from millstream_dashboards.trader.quiet import QuietComm, until_asked


@pytest.fixture
def sent(monkeypatch):
    """What is sent to the page: kind of message and widget."""
    found: list[str] = []
    monkeypatch.setattr(BaseComm, "publish_msg", lambda _, kind, *args, **kwargs: found.append(kind))
    monkeypatch.setattr(comm, "create_comm", comm.create_comm)
    monkeypatch.setattr(QuietComm, "asked", False)
    return found


def test_widgets_are_announced_only_after_the_page_asked(sent):
    shell = InteractiveShell()
    until_asked(shell)
    early = ipywidgets.Text()
    early.comm.send({"method": "update"})
    assert sent == []
    shell.events.trigger("pre_execute")
    early.comm.send({"method": "update"})
    ipywidgets.Layout()
    assert sent == ["comm_msg", "comm_open"]
    shell.events.trigger("pre_execute")
