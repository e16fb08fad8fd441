import inspect
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from pydantic import SecretStr, ValidationError

from millstream.client import AsyncClient, Client
from millstream.client.operations import Operations
from millstream.contracts.api.identity import Login
from millstream.contracts.api.trading import Ticket
from millstream.contracts.enums import Side


def test_filters_that_are_given_become_the_query_and_several_names_are_repeated():
    call = Operations.list_orders.request(deployment=["a", "b"], working=True, limit=5)
    assert (call.method, call.path) == ("GET", "/api/v1/orders")
    assert sorted(call.query) == [("deployment", "a"), ("deployment", "b"), ("limit", "5"), ("working", "true")]
    assert call.body is None


def test_a_time_is_sent_in_utc_and_one_without_a_zone_is_refused():
    berlin = datetime(2013, 3, 1, 1, tzinfo=timezone(timedelta(hours=1)))
    assert ("start", "2013-03-01T00:00:00Z") in Operations.list_fills.request(start=berlin).query
    with pytest.raises(TypeError, match="time zone"):
        Operations.list_fills.request(start=datetime(2013, 3, 1))  # noqa: DTZ001 - the mistake that is meant
    assert ("end", "2013-03-02T00:00:00Z") in Operations.list_fills.request(end=datetime(2013, 3, 2, tzinfo=UTC)).query


def test_names_go_into_the_path_quoted():
    assert Operations.get_instrument.request("SAMPLE:BRK/B").path == "/api/v1/instruments/SAMPLE:BRK%2FB"
    assert Operations.get_order.request(order="../users").path == "/api/v1/orders/..%2Fusers"
    call = Operations.read_executed_notebook.request("sma", 3, format="html")
    assert (call.path, call.query) == ("/api/v1/deployments/sma/runs/3/notebook", (("format", "html"),))


def test_fields_and_a_model_make_the_same_body():
    fields = {"deployment": "sma", "instrument": "SAMPLE:AAPL", "side": Side.BUY, "quantity": Decimal("1.50")}
    expected = b'{"deployment":"sma","instrument":"SAMPLE:AAPL","side":"buy","quantity":"1.50"}'
    assert Operations.place_order.request(**fields).body == expected
    assert Operations.place_order.request(Ticket(**fields)).body == expected


def test_only_given_fields_of_a_change_are_sent():
    call = Operations.change_user.request("bob", active=False)
    assert (call.path, call.body) == ("/api/v1/users/bob", b'{"active":false}')
    assert Operations.change_user.request(user="bob", active=False) == call
    assert Operations.change_deployment.request("sma", limits=None).body == b'{"limits":null}'


def test_a_password_is_sent_and_not_shown():
    call = Operations.login.request(Login(user="ann", password=SecretStr("open sesame please")))
    assert call.body == b'{"user":"ann","password":"open sesame please"}'
    assert "sesame" not in repr(call)


@pytest.mark.parametrize("wrong", [{"nonsense": 1}, {"deploymnet": "a"}])
def test_an_unknown_filter_is_an_error_of_the_caller(wrong):
    with pytest.raises(TypeError, match="unexpected keyword"):
        Operations.list_orders.request(**wrong)


def test_an_unknown_field_of_a_request_is_an_error_of_the_caller():
    with pytest.raises(ValidationError, match="quantety"):
        Operations.place_order.request(deployment="a", instrument="b", side="buy", quantity=1, quantety=1)


def test_a_method_shows_name_documentation_and_parameters():
    client = AsyncClient("http://gateway")
    assert client.list_orders.__name__ == "list_orders"
    assert client.list_orders.__doc__ == "Orders, the newest first."
    assert {"working", "deployment", "cursor"} <= set(inspect.signature(client.list_orders).parameters)
    assert next(iter(inspect.signature(client.change_user).parameters)) == "user"


def test_both_clients_have_the_same_operations():
    names = {name for name, _ in inspect.getmembers(Operations) if not name.startswith("_")}
    assert len(names) > 60
    for name in names:
        assert callable(getattr(AsyncClient("http://gateway"), name))
        assert callable(getattr(Client("http://gateway"), name))
