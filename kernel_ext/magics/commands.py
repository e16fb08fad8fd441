"""The commands of ``%ms``."""

from . import acting, attaching, promoting, reading, researching
from .grammar import Command, Word
from .selecting import DEPLOYMENT, JSON, LIMIT, SELECTION

_OF_DEPLOYMENT = Word(("name",), "a deployment; %ms status lists them", "DEPLOYMENT", kind="deployment", needed=True)
_REASON = Word(("--reason",), "why; it is written to the audit log", "TEXT", needed=True)
_PARAM = Word(("-p", "--param"), "a parameter of the notebook; repeatable", "NAME=VALUE", kind="parameter", many=True)
_CAPITAL = Word(("--capital",), "cash to begin with (100000)", "AMOUNT")
_SCOPE = (
    Word(("--global",), "everything"),
    Word(("-d", "--deployment"), "this deployment", "NAME", kind="deployment"),
    Word(("--portfolio",), "this portfolio", "NAME", kind="portfolio"),
    Word(("-i", "--instrument"), "this instrument", "KEY", kind="instrument"),
)
_WINDOW = (
    Word(("--start",), "first bar's open time, UTC", "DATE"),
    Word(("--end",), "bars before this time, UTC", "DATE"),
    _CAPITAL,
)
_OF_NOTEBOOK = (
    Word(("--strategy",), "the variable that holds the strategy (strategy)", "NAME"),
    Word(("--symbol",), "the instrument (the notebook's symbol)", "KEY", kind="instrument"),
    Word(("--timeframe",), "the time frame (the notebook's timeframe)", "TEXT"),
)

_ALL = (
    Command(
        "backtest",
        "backtest a notebook, or this one's strategy with other parameters: %ms backtest fast=10",
        researching.backtest,
        (
            Word(("notebook_or_parameters",), "a notebook, or NAME=VALUE …", "WORD", kind="notebook", many=True),
            _PARAM,
            *_WINDOW,
            *_OF_NOTEBOOK,
            JSON,
        ),
        takes_cell=True,
    ),
    Command(
        "sweep",
        "backtest every combination: %ms sweep fast=range(5,45,5) slow=[20,50,100]",
        researching.sweep,
        (
            Word(("grid",), "NAME=VALUES …, as Python", "NAME=VALUES", many=True),
            *_WINDOW,
            *_OF_NOTEBOOK,
            Word(("--processes",), "processes that share the work (1)", "COUNT", number=True),
        ),
        takes_cell=True,
    ),
    Command(
        "promote",
        "promote a strategy notebook: %ms promote strategies/sma_cross.ipynb -p fast=10",
        promoting.promote,
        (
            Word(("notebook",), "a strategy notebook", "NOTEBOOK", kind="notebook", needed=True),
            Word(("--to",), "where it is to trade (paper)", "TARGET", kind="target"),
            _PARAM,
            _CAPITAL,
            Word(("--session",), "market session (the open one that fits)", "NAME"),
            Word(("--limits",), "JSON file of risk limits, over the defaults", "FILE"),
            Word(("--name",), "name of the deployment (the strategy's)", "NAME"),
            JSON,
        ),
        takes_cell=True,
    ),
    Command(
        "follow",
        "wait for a promotion that still runs",
        promoting.follow,
        (Word(("name",), "its number, as %ms promote shows it", "OPERATION", needed=True), JSON),
    ),
    Command(
        "status",
        "deployments and their runners",
        reading.status,
        (Word(("name",), "only this deployment", "DEPLOYMENT", kind="deployment"), JSON),
    ),
    Command(
        "attach",
        "a deployment live, until the cell is interrupted",
        attaching.attach,
        (_OF_DEPLOYMENT, Word(("--seconds",), "end by itself after so long", "COUNT", number=True)),
    ),
    Command("positions", "open positions, with unrealised P&L", reading.positions, (*SELECTION, JSON)),
    Command(
        "orders",
        "the newest orders",
        reading.orders,
        (*SELECTION, LIMIT, Word(("--working",), "only those that still work"), JSON),
    ),
    Command("fills", "the newest executions", reading.fills, (*SELECTION, LIMIT, JSON)),
    Command("rejections", "what risk refused, and why", reading.rejections, (*SELECTION, LIMIT, JSON)),
    Command(
        "portfolio",
        "cash, equity and P&L",
        reading.portfolio,
        (Word(("name",), "a portfolio; without it, all", "PORTFOLIO", kind="portfolio"), JSON),
    ),
    Command("risk", "halts and latches in force, limits and their use", reading.risk, (DEPLOYMENT, JSON)),
    Command("releases", "registered releases", reading.releases, (JSON,)),
    Command("start", "start a deployment", acting.start, (_OF_DEPLOYMENT, JSON)),
    Command("stop", "stop a deployment; its working orders stay", acting.stop, (_OF_DEPLOYMENT, JSON)),
    Command(
        "logs",
        "the log of a runner",
        reading.logs,
        (_OF_DEPLOYMENT, Word(("--lines",), "how many lines at most (200)", "COUNT", number=True), JSON),
    ),
    Command(
        "halt",
        "stop trading: %ms halt --global --reason '…'",
        acting.halt,
        (*_SCOPE, _REASON, Word(("--reduce-only",), "still allow orders that reduce a position"), JSON),
    ),
    Command("resume", "allow trading again", acting.resume, (*_SCOPE, _REASON, JSON)),
    Command("doctor", "check this installation", researching.doctor, (JSON,)),
)
COMMANDS = {command.name: command for command in _ALL}
ALIASES = {"deployments": "status"}


def overview() -> str:
    """What there is, one command a line."""
    width = max(map(len, COMMANDS))
    lines = [f"%ms {command.name.ljust(width)}  {command.help}" for command in COMMANDS.values()]
    cells = ", ".join(name for name, command in COMMANDS.items() if command.takes_cell)
    return "\n".join([*lines, "", f"%ms COMMAND --help lists its words; %%ms takes parameters in the cell: {cells}."])
