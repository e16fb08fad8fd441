"""Settings: typed, frozen, unknown keys refused; read from the environment (``MILLSTREAM_…``) and ``.env``."""

import difflib
import hashlib
import os
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

import platformdirs
from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from ..contracts.errors import ConfigurationError

PREFIX = "MILLSTREAM_"


def _default_home() -> Path:
    return Path(platformdirs.user_data_path("millstream"))


class Settings(BaseSettings):
    """Everything a process needs to know about its surroundings. Build it with :func:`load_settings`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=".env", frozen=True, extra="forbid")

    home: Path = Field(default_factory=_default_home, description="data directory of the embedded servers and runs")
    bus: Literal["redis", "kafka", "memory"] = Field(default="redis", description="which event bus to use")
    database_url: SecretStr | None = Field(default=None, description="libpq URL; empty: the embedded PostgreSQL")
    redis_url: SecretStr | None = Field(default=None, description="Redis URL; empty: the embedded Redis")
    kafka_bootstrap: str = Field(default="", description="host:port[,host:port] of the Kafka brokers")
    namespace: str = Field(default="", description="prefix of every topic and Redis key, to share a broker")
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="least level logged")
    bus_patience: float = Field(default=30.0, gt=0, description="seconds a bus call waits for a lost broker")
    heartbeat_seconds: float = Field(default=1.0, gt=0, description="interval of a runner's heartbeats")
    lease_seconds: float = Field(default=10.0, gt=0, description="a runner without heartbeat for this long is failed")
    intent_ttl_seconds: float = Field(default=30.0, gt=0, description="time to live of an order intent")
    paper_slippage_bps: float = Field(
        default=0.0, ge=0, description="slippage of the paper venue and of backtests, in bps"
    )
    bind: str = Field(default="127.0.0.1", description="address that gateway and screens listen on")
    gateway_port: int = Field(default=0, ge=0, le=65535, description="port of the gateway; 0: a free one")
    stream_port: int = Field(default=0, ge=0, le=65535, description="port of the live WebSocket; 0: a free one")
    monitor_port: int = Field(default=0, ge=0, le=65535, description="port of the Panel monitor; 0: a free one")
    trader_port: int = Field(default=0, ge=0, le=65535, description="port of the Voila trader app; 0: a free one")
    lab_port: int = Field(default=0, ge=0, le=65535, description="port of JupyterLab; 0: a free one")
    public_url: str = Field(
        default="", pattern=r"^(https?://[^/\s]+)?$", description="address people open the gateway at"
    )
    known_hosts: str = Field(default="", description="further names (comma) that a Host header may carry")
    allowed_addresses: str = Field(default="", description="networks (comma, CIDR) that may connect; empty: all")
    trusted_proxies: str = Field(default="", description="networks (comma, CIDR) whose X-Forwarded-For counts")
    session_key: SecretStr | None = Field(default=None, description="signs tokens; empty: <home>/keys/session.key")
    session_hours: float = Field(default=12.0, gt=0, le=720, description="hours after which a login ends")
    rate_user: str = Field(default="1200/minute", description="requests of one person or key")
    rate_address: str = Field(default="12000/minute", description="requests of one address")
    rate_global: str = Field(default="60000/minute", description="requests of all together")
    rate_login: str = Field(default="20/minute", description="attempts to log in, and failed ones, of one address")
    body_limit: int = Field(default=1_048_576, ge=1024, description="bytes of a request's body")
    query_limit: int = Field(default=8192, ge=256, description="bytes of a request's query")
    oidc_issuer: str = Field(default="", description="issuer of the OpenID Connect provider; empty: none")
    oidc_client_id: str = Field(default="", description="client id at the provider")
    oidc_client_secret: SecretStr | None = Field(default=None, description="client secret; empty: a public client")
    oidc_role_claim: str = Field(default="groups", description="claim of the ID token that names groups or roles")
    oidc_role_mapping: str = Field(default="", description="group=role (comma) of the provider's groups")
    oidc_default_role: str = Field(default="", description="role without a mapped group; empty: no entry")
    metrics_ports: str = Field(
        default="", description="health ports, as trading=9101,market=9102,supervisor=9103; unnamed: a free one each"
    )
    workspace: Path | None = Field(default=None, description="folder of notebooks that JupyterLab and promotions show")

    @model_validator(mode="after")
    def _kafka_needs_an_address(self) -> Self:
        if self.bus == "kafka" and not self.kafka_bootstrap:
            msg = "MILLSTREAM_BUS=kafka needs MILLSTREAM_KAFKA_BOOTSTRAP=host:port (`make kafka` starts a broker)"
            raise ValueError(msg)
        return self

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the settings without secrets, recorded with each run."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]


# Variables that one process hands to another or to the tests; not settings.
OTHER_VARIABLES = frozenset(
    {
        "MILLSTREAM_BACKTEST",
        "MILLSTREAM_DEBUG",
        "MILLSTREAM_FAILPOINT",
        "MILLSTREAM_REQUIRE_CHROMIUM",
        "MILLSTREAM_REQUIRE_KAFKA",
        "MILLSTREAM_REQUIRE_NODE",
        "MILLSTREAM_RUNTIME",
        "MILLSTREAM_TOKEN",
        "MILLSTREAM_URL",
    }
)


def _refuse_unknown_variables() -> None:
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
    for name in os.environ:
        if name.startswith(PREFIX) and name not in known | OTHER_VARIABLES:
            near = difflib.get_close_matches(name, known, n=1)
            raise ConfigurationError(
                f"{name} is not a setting",
                hint=f"Did you mean {near[0]}?" if near else "See docs/settings.md for every MILLSTREAM_ variable.",
            )


def load_settings(**overrides: object) -> Settings:
    """Settings from the environment, with ``overrides`` on top. Raises :class:`ConfigurationError`."""
    _refuse_unknown_variables()
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        faults = "; ".join(
            f"{'_'.join(map(str, fault['loc'])) or 'settings'}: {fault['msg']}" for fault in error.errors()
        )
        raise ConfigurationError(
            f"The settings are not valid: {faults}",
            hint="See docs/settings.md for every MILLSTREAM_ variable.",
        ) from error
