"""Corrections of Rasa 3.6.21, each with its reason; `apply()` may be called any number of times.

Whoever upgrades Rasa looks here first: `tests/bot/test_fixes.py` fails for a correction that is no
longer needed.
"""

from __future__ import annotations

import asyncio
import functools
import time
from contextvars import ContextVar
from typing import Any

import aiohttp
import jsonschema
from rasa.core.actions.action import RemoteAction
from rasa.core.agent import Agent
from rasa.core.tracker_store import FailSafeTrackerStore, TrackerStore
from rasa.shared.core.domain import Domain
from rasa.utils.endpoints import EndpointConfig

from shop.settings import ShopSettings, read

# As in endpoints.yml, and as the action server wants it.
ACTION_SERVER = "http://127.0.0.1:{port}/webhook"
SECRET_HEADER = "X-Xiaoer-Secret"
# time.monotonic() until which the turn may wait for the action server; set by the channels.
action_deadline: ContextVar[float | None] = ContextVar("action_deadline", default=None)


def apply() -> None:
    """Put all corrections in place."""
    if getattr(apply, "done", False):
        return
    _find_the_action_server()
    _bound_action_calls()
    _check_action_answers_fast()
    _let_tracker_stores_fail()
    apply.done = True  # type: ignore[attr-defined]


def _find_the_action_server() -> None:
    """Rasa takes the action server's address and headers from endpoints.yml only.

    A variable that is unset there stops the server, so the port and the secret come in here. An
    address other than the file's own stays as it is.
    """
    original = RemoteAction.__init__

    @functools.wraps(original)
    def __init__(self: RemoteAction, name: str, action_endpoint: EndpointConfig | None) -> None:
        original(self, name, action_endpoint and _ours(action_endpoint))

    RemoteAction.__init__ = __init__


def _ours(endpoint: EndpointConfig) -> EndpointConfig:
    """The endpoint with the settings' port and secret, filled in once."""
    if SECRET_HEADER in endpoint.headers:
        return endpoint
    settings = read(ShopSettings)
    if endpoint.url == ACTION_SERVER.format(port=ShopSettings.action_port):
        endpoint.url = ACTION_SERVER.format(port=settings.action_port)
    if settings.secret:
        endpoint.headers[SECRET_HEADER] = settings.secret
    return endpoint


def _bound_action_calls() -> None:
    """An action server that hangs must not hold the shopper for 300 s.

    Rasa waits that long (`rasa.core.constants.DEFAULT_REQUEST_TIMEOUT`), no setting changes it, and
    the timeout is an error that `ActionExtractSlots` does not expect: the whole turn is lost.
    """
    original = EndpointConfig.request

    @functools.wraps(original)
    async def request(self: EndpointConfig, *args: Any, **kwargs: Any) -> Any:
        until = action_deadline.get()
        if until is None:
            return await original(self, *args, **kwargs)
        # Never 0, which aiohttp takes for "no limit".
        kwargs["timeout"] = aiohttp.ClientTimeout(total=max(until - time.monotonic(), 0.001))
        try:
            return await original(self, *args, **kwargs)
        except asyncio.TimeoutError as exc:
            # A connection error is what Rasa's callers do expect.
            raise aiohttp.ServerTimeoutError("the action server did not answer in time") from exc

    EndpointConfig.request = request


def _check_action_answers_fast() -> None:
    """`jsonschema.validate` checks the schema itself each time: 19 of 20 ms of an action call."""
    schema = RemoteAction.action_response_format_spec()
    validator = jsonschema.validators.validator_for(schema)(schema)

    def validate(self: RemoteAction, result: dict[str, Any]) -> bool:
        validator.validate(result)
        return True

    RemoteAction._validate_action_result = validate


def _let_tracker_stores_fail() -> None:
    """A store that fails closed must not be wrapped into one that fails open.

    Rasa's wrapper answers a failed read with "no conversation", so that the shopper starts anew,
    and a failed write with a copy in memory that is never written back.
    """
    original = Agent._create_tracker_store

    def create(store: TrackerStore | None, domain: Domain) -> TrackerStore:
        wrapped = original(store, domain)
        if store is not None and getattr(store, "fails_closed", False):
            assert isinstance(wrapped, FailSafeTrackerStore)
            return store
        return wrapped

    Agent._create_tracker_store = staticmethod(create)
