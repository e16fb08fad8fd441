"""The Python of docs/strategies.md runs as it is printed."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[3] / "docs" / "strategies.md"


@pytest.mark.parametrize("shows", [False, True])
def test_examples_of_the_page_run_together(shows):
    examples = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    parameters, target, showing, testing = examples
    lines = (showing if shows else target).splitlines()
    method = "\n".join(f"    {line}" if line else line for line in lines)
    namespace: dict = {}
    exec(compile(f"{parameters}\n{method}\n\n{testing}", str(PAGE), "exec"), namespace)
    assert len(namespace["bench"].orders) == 2
