"""The pages of the monitor, one module each, in the order of the navigation."""

from ..page import Page
from .analytics import Analytics
from .audit import Audit
from .deployments import Deployments
from .history import History
from .instruments import Instruments
from .market import Market
from .orders import Orders
from .overview import OverviewPage
from .positions import Positions
from .risk import Risk
from .settings import Settings
from .users import Users

PAGES: tuple[type[Page], ...] = (
    OverviewPage,
    Positions,
    Orders,
    Deployments,
    Risk,
    Market,
    History,
    Analytics,
    Instruments,
    Settings,
    Users,
    Audit,
)

__all__ = ["PAGES", "Page"]
