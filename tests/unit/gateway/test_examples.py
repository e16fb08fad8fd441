from typing import Any

import pytest

from millstream.contracts.api import identity, market, promotion, trading
from millstream.gateway.examples import example


@pytest.mark.parametrize(
    "model",
    [
        identity.NewUser, identity.Preferences, market.InstrumentSpec, promotion.DeploymentChange,
        promotion.NewDeployment, promotion.Promotion, trading.Flatten, trading.HaltRequest, trading.Ticket,
    ],
)  # fmt: skip
@pytest.mark.parametrize("whole", [True, False])
def test_example_of_a_request_is_one_that_the_model_takes(model: Any, whole: bool):
    schema = model.model_json_schema()
    model.model_validate(example(schema, schema.get("$defs", {}), whole=whole))


def test_schema_that_contains_itself_ends():
    schema = {"type": "object", "properties": {"inner": {"$ref": "#/x/Node"}}}
    assert example(schema, {"Node": schema})["inner"]["inner"] is not None
