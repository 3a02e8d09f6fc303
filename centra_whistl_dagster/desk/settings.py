"""What the desk is told by the environment: where it is, who may act, which links it shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from centra_whistl_dagster.config_files.reader import ConfigError, ConfigFault
from centra_whistl_dagster.domain.desk_roles import Role
from centra_whistl_dagster.environment import DeskEnvironment, read_part
from centra_whistl_dagster.settings import InstallationSettings, installation_of


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskSettings(InstallationSettings):
    """What the desk needs: no token of Centra or Whistl, and no key of orders' contents."""

    roles: Mapping[str, Role]
    """By the name that the proxy gives a person. Whoever is not named may read."""
    proxy_secret: str = field(repr=False)
    """What the proxy in front proves itself with; blank where there is none."""
    user_header: str
    """In which the proxy names the person."""
    centra_order_url: str
    """The address of an order in Centra, with `{number}`; blank where nobody has set it."""
    whistl_contact: str
    """Whom to call at Whistl, and when."""


def load_desk_settings(environment: Mapping[str, str], *, over_socket: bool) -> DeskSettings:
    """Read the desk's settings.

    Args:
        environment: the variables; `.env.example` explains them.
        over_socket: the proxy in front reaches the desk by a Unix socket.

    Raises:
        ConfigError: naming every variable that cannot be used, or that is missing beside another.
    """
    env = read_part(DeskEnvironment, environment)
    secret = env.DESK_PROXY_SECRET.get_secret_value()
    if (secret or over_socket) and not env.DESK_URL:
        detail = (
            "DESK_URL is not set: behind a proxy the desk must know the address that people open, "
            "such as https://desk.example.com, to refuse forms of other sites"
        )
        raise ConfigError("environment", [ConfigFault(line=None, detail=detail)])
    # The process was given no key: it reads no contents of orders.
    return DeskSettings(
        **installation_of(env),
        roles={name: Role(role) for name, role in env.DESK_ROLES.items()},
        proxy_secret=secret,
        user_header=env.DESK_USER_HEADER,
        centra_order_url=env.CENTRA_ADMIN_URL,
        whistl_contact=env.DESK_WHISTL_CONTACT,
    )
