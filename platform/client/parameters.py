"""What reads take: the filters of lists, and names.

Times are aware datetimes or RFC 3339 texts, of the market's clock. ``deployment`` and ``strategy`` take one name or
several. ``limit`` is the size of a page (100 unless given, at most 1,000), ``cursor`` the ``next`` of the page before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

Moment = datetime | str | None
Names = str | Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Nothing:
    """No parameters."""


@dataclass(frozen=True, kw_only=True)
class Paged:
    """A page of a list."""

    limit: int | None = None
    cursor: str = ""


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What figures are of: names, a target and a period."""

    portfolio: str = ""
    deployment: Names = ()
    strategy: Names = ()
    instrument: str = ""
    target: str = ""
    start: Moment = None
    end: Moment = None


@dataclass(frozen=True, kw_only=True)
class Listed(Paged, Selection):
    """A page of what is selected: the filters that most lists share."""


@dataclass(frozen=True, kw_only=True)
class Orders(Listed):
    """Orders; ``working`` keeps those that still work (or, False, those that ended)."""

    state: str = ""
    working: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Trades(Listed):
    """Round trips; ``open`` keeps those that are open (or, False, those that closed)."""

    open: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Rejections(Listed):
    """Rejections, of one ``code`` if it is given."""

    code: str = ""


@dataclass(frozen=True, kw_only=True)
class Audit(Paged):
    """Audit entries."""

    actor: str = ""
    action: str = ""
    subject: str = ""
    start: Moment = None
    end: Moment = None


@dataclass(frozen=True, kw_only=True)
class Candles(Paged):
    """Candles of one instrument and time frame, oldest first."""

    instrument: str
    timeframe: str
    start: Moment = None
    end: Moment = None


@dataclass(frozen=True, kw_only=True)
class Indicators(Paged):
    """Indicator values of one deployment, oldest first."""

    deployment: str
    instrument: str = ""
    start: Moment = None
    end: Moment = None


@dataclass(frozen=True, kw_only=True)
class Equity(Paged):
    """The equity of one portfolio, oldest first, thinned to ``points``."""

    portfolio: str
    start: Moment = None
    end: Moment = None
    points: int | None = None


@dataclass(frozen=True, kw_only=True)
class Marks(Paged):
    """Newest prices, of one market session if it is named; the live market's name is empty."""

    session: str | None = None


@dataclass(frozen=True, kw_only=True)
class Instruments(Paged):
    """Instruments, of one exchange if it is named."""

    exchange: str = ""


@dataclass(frozen=True, kw_only=True)
class Positions(Listed):
    """Positions; ``closed`` adds those that are flat now."""

    closed: bool = False


@dataclass(frozen=True, kw_only=True)
class Releases(Paged):
    """Releases, of one name or strategy if it is given."""

    name: str = ""
    strategy: str = ""


@dataclass(frozen=True, kw_only=True)
class Deployments(Paged):
    """Deployments; ``state`` is the runner's."""

    portfolio: str = ""
    deployment: Names = ()
    strategy: Names = ()
    instrument: str = ""
    target: str = ""
    state: str = ""


@dataclass(frozen=True)
class Notebook:
    """A notebook by its path under the workspace."""

    path: str


@dataclass(frozen=True)
class OneUser:
    """A person."""

    user: str


@dataclass(frozen=True)
class OneKey:
    """An API key."""

    key_id: str


@dataclass(frozen=True)
class OneInstrument:
    """An instrument, ``EXCHANGE:SYMBOL``."""

    key: str


@dataclass(frozen=True)
class OneRelease:
    """A release, ``name@version``."""

    ref: str


@dataclass(frozen=True)
class OneOperation:
    """A command that takes time."""

    operation_id: str


@dataclass(frozen=True)
class OneDeployment:
    """A deployment."""

    deployment: str


@dataclass(frozen=True)
class OneOrder:
    """An order."""

    order: str


@dataclass(frozen=True)
class OnePortfolio:
    """A portfolio."""

    portfolio: str


@dataclass(frozen=True)
class Runs:
    """A page of the runs of a deployment."""

    deployment: str
    limit: int | None = None
    cursor: str = ""


@dataclass(frozen=True)
class Log:
    """The newest ``lines`` of a runner's log, or what came ``after`` a position in it."""

    deployment: str
    lines: int | None = None
    after: int | None = None


@dataclass(frozen=True)
class ExecutedNotebook:
    """The notebook of one run of a deployment, as ``ipynb`` or ``html``."""

    deployment: str
    epoch: int
    format: str = "ipynb"
