"""The environment of a person's kernel: what research and Jupyter need, by name, and the person's own token."""

from collections.abc import Mapping

# A list of what passes, so that a secret that is added later stays out: keys of exchanges, cloud credentials, the
# gateway's signing keys and the server's own Jupyter token never reach a kernel.
_NAMES = frozenset(
    {
        "BROWSER", "COLORTERM", "HOME", "HTTPS_PROXY", "HTTP_PROXY", "JUPYTER_SERVER_ROOT", "LANG", "LANGUAGE",
        "LD_LIBRARY_PATH", "LOGNAME", "MPLBACKEND", "NO_PROXY", "PATH", "SHELL", "SSL_CERT_DIR", "SSL_CERT_FILE",
        "TERM", "TMPDIR", "TZ", "USER", "VIRTUAL_ENV", "http_proxy", "https_proxy", "no_proxy",
    }
)  # fmt: skip
_PREFIXES = (
    "CONDA_",
    "IPYTHON",
    "JPY_",
    "JUPYTER_CONFIG_",
    "JUPYTER_PATH",
    "JUPYTER_RUNTIME_",
    "LC_",
    "MKL_",
    "NUMBA_",
)
_MORE_PREFIXES = ("OMP_", "OPENBLAS_", "PYDEVD_", "PYTHON", "VOILA_", "XDG_")
# Research reads candles straight from the installation's database, and finds that by these settings.
_SETTINGS = frozenset(
    {
        "MILLSTREAM_BUS",
        "MILLSTREAM_DATABASE_URL",
        "MILLSTREAM_HOME",
        "MILLSTREAM_KAFKA_BOOTSTRAP",
        "MILLSTREAM_LOG_LEVEL",
        "MILLSTREAM_NAMESPACE",
        "MILLSTREAM_PAPER_SLIPPAGE_BPS",
        "MILLSTREAM_REDIS_URL",
        "MILLSTREAM_WORKSPACE",
    }
)


def kernel_environment(base: Mapping[str, str], *, url: str, token: str) -> dict[str, str]:
    """The entries of ``base`` that a kernel may see, with the gateway's address and the person's token."""
    kept = {name: value for name, value in base.items() if passes(name)}
    return kept | {"MILLSTREAM_URL": url, "MILLSTREAM_TOKEN": token}


def passes(name: str) -> bool:
    """Whether a variable of the server may be seen by a kernel."""
    return name in _NAMES or name in _SETTINGS or name.startswith(_PREFIXES + _MORE_PREFIXES)
