"""The Python of docs/strategies.md runs as it is printed."""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[3] / "docs" / "strategies.md"


def test_examples_of_the_page_run_together():
    parameters, target, testing = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    method = "\n".join(f"    {line}" if line else line for line in target.splitlines())
    namespace: dict = {}
    exec(compile(f"{parameters}\n{method}\n\n{testing}", str(PAGE), "exec"), namespace)
    assert len(namespace["bench"].orders) == 2
