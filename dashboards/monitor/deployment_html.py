"""How a deployment is described: its states as badges, its parameters and limits as a list."""

from html import escape

from millstream.contracts.api.promotion import Deployment

from ..i18n import Translator
from .formats import Formats
from .html import badge, heading, table
from .limits import LIMITS, amount, title, value_of

TONES = {"running": "good", "failed": "bad", "held": "bad", "starting": "warn", "pending": "warn"}
HALT_TONES = {"halted": "bad", "reduce_only": "warn"}


def state_badges(t: Translator, one: Deployment) -> str:
    """The runner's state, and the halt that holds the deployment if there is one."""
    state = badge(t.of("state", one.state), TONES.get(one.state, ""))
    halt = "" if one.halt == "active" else " " + badge(t.of("halt", one.halt), HALT_TONES.get(one.halt, "warn"))
    return state + halt


def facts(t: Translator, f: Formats, one: Deployment) -> str:
    """What the deployment is made of."""
    general = {
        t("col.release"): one.release,
        t("col.strategy"): one.strategy,
        t("col.portfolio"): one.portfolio,
        t("col.session"): one.session or t("deployments.live_market"),
        t("col.instrument"): ", ".join(one.instruments),
        t("col.timeframe"): one.timeframe,
        t("deployments.on_lease_lost"): t.of("lease", one.on_lease_lost),
        t("col.author"): one.author,
        t("col.created"): f.moment(one.created_at),
    }
    return (
        _list(general)
        + heading(t("deployments.parameters"), level=3)
        + _list({name: str(value) for name, value in one.parameters.items()})
    )


def limit_facts(t: Translator, f: Formats, one: Deployment) -> str:
    """Every limit of the deployment; of the forms that are not set it says so, because they deny."""
    rows = [[escape(title(t, name)), escape(_limit(t, f, one, name))] for name in LIMITS]
    return table(t("deployments.limits"), [t("col.rule"), t("col.limit")], rows, [1])


def _limit(t: Translator, f: Formats, one: Deployment, name: str) -> str:
    value = value_of(one.limits, name)
    return t("limits.none") if value is None else amount(t, f, value, LIMITS[name] or one.currency)


def _list(pairs: dict[str, str]) -> str:
    inside = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in pairs.items())
    return f'<dl class="facts">{inside}</dl>'
