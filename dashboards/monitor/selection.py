"""What a viewer looks at: one, several or all strategies and deployments, kept in the address of the page."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from millstream.contracts.api.promotion import Deployment


@dataclass(frozen=True, slots=True)
class Selection:
    """Empty means all. Where both are given, a deployment must satisfy both."""

    strategies: tuple[str, ...] = ()
    deployments: tuple[str, ...] = ()

    @classmethod
    def parse(cls, arguments: Mapping[str, list[bytes]]) -> "Selection":
        """From the arguments of a request: ``?strategy=a&strategy=b&deployment=c``."""

        def values(name: str) -> tuple[str, ...]:
            texts = (value.decode("utf-8", "replace") for value in arguments.get(name, []))
            return tuple(dict.fromkeys(text for text in texts if text))

        return cls(values("strategy"), values("deployment"))

    def filters(self) -> dict[str, Any]:
        """Arguments for the client's lists; what is not restricted is left out."""
        chosen = {"strategy": list(self.strategies), "deployment": list(self.deployments)}
        return {name: value for name, value in chosen.items() if value}

    def query(self) -> str:
        """The part of an address from the question mark on; empty when everything is selected."""
        text = urlencode(self.filters(), doseq=True)
        return f"?{text}" if text else ""

    def holds(self, deployment: Deployment) -> bool:
        """Whether the deployment is selected."""
        return (not self.strategies or deployment.strategy in self.strategies) and (
            not self.deployments or deployment.deployment in self.deployments
        )

    def of(self, deployments: Iterable[Deployment]) -> list[Deployment]:
        """The selected ones."""
        return [deployment for deployment in deployments if self.holds(deployment)]

    def known(self, deployments: Iterable[Deployment]) -> "Selection":
        """Without names that do not exist (any more): an old bookmark shows everything rather than nothing."""
        present = list(deployments)
        strategies = {deployment.strategy for deployment in present}
        kept = tuple(name for name in self.strategies if name in strategies)
        names = {d.deployment for d in present if not kept or d.strategy in kept}
        return Selection(kept, tuple(name for name in self.deployments if name in names))
