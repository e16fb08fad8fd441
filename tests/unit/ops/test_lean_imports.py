"""What the processes of the platform leave out when they start."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module", ["millstream.gateway.bootstrap", "millstream.promotion.promote", "millstream.runner.cells"]
)
def test_a_process_that_reads_notebooks_builds_no_grammar_of_addresses(module):
    code = (
        f"import {module}, nbformat, sys;"
        "nbformat.validate(nbformat.v4.new_notebook());"
        "print(sys.modules.get('rfc3987_syntax'), 'lark' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["None", "False"]
