"""The whole recipe on a real database: from a notebook to a deployment."""

import secrets
import shutil
import tempfile
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from support.strategies import code, cross, save

from millstream.bootstrap import Endpoints
from millstream.contracts.enums import DesiredState, RunnerState, Target
from millstream.contracts.errors import ConflictError, InputError, NotFoundError
from millstream.market.sample import import_sample
from millstream.market.sessions import create_replay
from millstream.ops.clock import WallClock
from millstream.ops.settings import Settings
from millstream.promotion.deploy import DeployRequest, deploy, start, stop
from millstream.promotion.promote import PromoteRequest, PromotionDeps, promote, release_notebook
from millstream.promotion.queries import get_deployment, list_deployments
from millstream.promotion.registry import get_release, list_releases
from millstream.store.migrate import migrate


@pytest.fixture
def deps(database, redis_url):
    home = Path(tempfile.mkdtemp(prefix="ms-pro-", dir="/tmp"))
    dsn = database()
    migrate(dsn)
    with psycopg.connect(dsn) as conn:
        import_sample(conn)
        create_replay(conn, ["SAMPLE:AAPL", "SAMPLE:IBM"], "1d", session_id="replay-test")
    settings = Settings(home=home, database_url=dsn, redis_url=redis_url, namespace=f"p{secrets.token_hex(4)}.")
    yield PromotionDeps(settings, Endpoints(dsn, redis_url, "redis", redis_url), WallClock())
    shutil.rmtree(home)


@pytest.fixture
def notebook(tmp_path):
    return lambda built=None: str(save(built or cross(), tmp_path / "cross.ipynb"))


def database_of(deps):
    return psycopg.connect(deps.endpoints.database_url)


def steps():
    seen = []
    return seen, lambda step, _message: seen.append(step)


async def test_promotion_leaves_release_portfolio_and_running_deployment(deps, notebook):
    seen, progress = steps()
    request = PromoteRequest(
        notebook=notebook(),
        assignments=("fast=10", "slow=30"),
        deploy=DeployRequest(capital=Decimal(5000), author="me"),
    )
    deployment = await promote(request, deps, progress)

    assert seen == ["inspect", "bundle", "execute", "register", "deploy"]
    assert (deployment.release, deployment.session, deployment.state) == ("cross@1", "replay-test", RunnerState.PENDING)
    assert deployment.desired_state is DesiredState.RUNNING
    assert deployment.instruments == ["SAMPLE:AAPL"]
    assert deployment.parameters == {"symbol": "SAMPLE:AAPL", "timeframe": "1d", "fast": 10, "slow": 30}
    with database_of(deps) as conn:
        release = get_release(conn, "cross")
        cash = conn.execute("SELECT currency, amount FROM cash WHERE portfolio_id = 'cross'").fetchall()
    assert cash == [("USD", Decimal(5000))]
    assert len(release.manifest["data_snapshot"]) == 32
    assert release.report["strategy"] == "Cross"
    assert release.executed_notebook.endswith(f"cross-{release.bundle[:12]}.ipynb")


async def test_same_notebook_and_parameters_are_the_same_release(deps, notebook):
    _, progress = steps()
    request = PromoteRequest(notebook=notebook())
    first, second = await release_notebook(request, deps, progress), await release_notebook(request, deps, progress)
    other = await release_notebook(PromoteRequest(notebook=notebook(), assignments=("fast=4",)), deps, progress)

    assert (first.ref, second.ref, other.ref) == ("cross@1", "cross@1", "cross@2")
    with database_of(deps) as conn:
        assert len(list_releases(conn)) == 2
        with pytest.raises(NotFoundError, match="no release 'crsos'"):
            get_release(conn, "crsos")
        first_deployment = deploy(conn, first, DeployRequest())
        second_deployment = deploy(conn, other, DeployRequest())
        assert [first_deployment.deployment_id, second_deployment.deployment_id] == ["cross", "cross-2"]
        assert len(list_deployments(conn)) == 2
        with pytest.raises(ConflictError, match="exists already"):
            deploy(conn, first, DeployRequest(deployment_id="cross"))
        with pytest.raises(InputError, match="not a risk limit"):
            deploy(conn, first, DeployRequest(limits={"max_order": 1}))
        with pytest.raises(NotFoundError, match="no market session"):
            deploy(conn, first, DeployRequest(session="replay-none"))
        assert len(list_deployments(conn)) == 2


@pytest.mark.parametrize(
    ("assignment", "message"), [("fsat=3", "no parameter 'fsat'"), ("fast=abc", "fast = 'abc' is not an integer")]
)
async def test_wrong_parameter_ends_the_promotion_before_anything_is_stored(deps, notebook, assignment, message):
    seen, progress = steps()
    with pytest.raises(InputError, match=message):
        await promote(PromoteRequest(notebook=notebook(), assignments=(assignment,)), deps, progress)

    assert seen == ["inspect"]
    assert not (deps.settings.home / "bundles").exists()


async def test_live_target_is_refused_before_anything_runs(deps, notebook):
    seen, progress = steps()
    request = PromoteRequest(notebook=notebook(), deploy=DeployRequest(target=Target.LIVE))
    with pytest.raises(ConflictError, match="needs an approval"):
        await promote(request, deps, progress)

    assert seen == ["inspect"]


async def test_notebook_that_fails_its_backtest_is_not_registered(deps, notebook):
    _, progress = steps()
    with pytest.raises(InputError, match="cell 4 failed: ValueError: no"):
        await promote(PromoteRequest(notebook=notebook(cross([code("raise ValueError('no')")]))), deps, progress)

    with database_of(deps) as conn:
        assert list_releases(conn) == []


async def test_start_and_stop_change_the_desired_state_and_refuse_what_is_so_already(deps, notebook):
    _, progress = steps()
    release = await release_notebook(PromoteRequest(notebook=notebook()), deps, progress)
    with database_of(deps) as conn:
        deploy(conn, release, DeployRequest(start=False))
        with pytest.raises(ConflictError, match="stopped already"):
            stop(conn, "cross")
        conn.rollback()
        assert start(conn, "cross", "me").desired_state is DesiredState.RUNNING
        with pytest.raises(ConflictError, match="pending already"):
            start(conn, "cross")
        conn.rollback()
        assert stop(conn, "cross", "me").desired_state is DesiredState.STOPPED
        with pytest.raises(NotFoundError, match="no deployment 'corss'") as caught:
            get_deployment(conn, "corss")
        audit = conn.execute("SELECT actor, action FROM audit ORDER BY sequence").fetchall()
    assert "Did you mean 'cross'?" in caught.value.hint
    assert audit[-2:] == [("me", "deployment.start"), ("me", "deployment.stop")]
