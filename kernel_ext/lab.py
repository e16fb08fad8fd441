"""``python -m millstream_kernel.lab``: JupyterLab as ``millstream up`` starts it, two seconds sooner than by itself."""

import sys

from millstream.ops.lean_imports import without_iri_grammar

if __name__ == "__main__":
    without_iri_grammar()
    from jupyterlab.labapp import main

    sys.exit(main())
