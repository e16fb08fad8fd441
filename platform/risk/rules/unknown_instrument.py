"""UNKNOWN_INSTRUMENT: the instrument must be registered and one of the deployment's."""

from ...contracts.enums import RejectCode
from ...contracts.events import OrderIntent
from ..decision import Breach
from ..view import InstrumentView
from .base import Rule, instrument_breach


class UnknownInstrument(Rule[InstrumentView]):
    """Default deny: a deployment that names no instruments trades none."""

    codes = (RejectCode.UNKNOWN_INSTRUMENT,)
    stages = (1,)

    def check(self, intent: OrderIntent, view: InstrumentView) -> Breach | None:
        if view.market is None or view.market.instrument.key != intent.instrument:
            message = f"{intent.instrument} is not registered"
            return instrument_breach(intent, RejectCode.UNKNOWN_INSTRUMENT, message)
        deployment = view.deployment
        if deployment is None or intent.instrument not in deployment.instruments:
            message = f"{intent.instrument} is not an instrument of deployment {intent.deployment_id}"
            allowed = ", ".join(sorted(deployment.instruments)) if deployment else ""
            return instrument_breach(
                intent, RejectCode.UNKNOWN_INSTRUMENT, message, observed=intent.instrument, limit=allowed
            )
        return None
