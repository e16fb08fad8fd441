"""Limits, latches and halts."""

from ...contracts.api.base import Page
from ...contracts.api.trading import Halt, HaltRequest, HaltResult, Latch, LimitUse, ResumeRequest
from ..calls import Operation
from ..parameters import Listed, Paged


class RiskOperations:
    """What holds trading back, and the kill switch."""

    list_limits = Operation("GET", "/limits", Listed, Page[LimitUse], "Limits with what is used of them.")
    list_latches = Operation("GET", "/latches", Listed, Page[Latch], "What tripped and stays so.")
    list_halts = Operation("GET", "/halts", Paged, Page[Halt], "Scopes that are halted or reduce-only.")
    halt = Operation("POST", "/halts", HaltRequest, HaltResult, "Stop trading in a scope.")
    resume = Operation("POST", "/halts/resume", ResumeRequest, Halt, "Allow trading in a scope again.")
