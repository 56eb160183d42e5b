"""The action server: `python -m actions`.

Like rasa_sdk's own, without what a shop must not have: that one listens everywhere, answers
anybody, unpacks compressed bodies of any size and repeats the request, with the conversation in it,
in its errors.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import sys

from rasa_sdk.executor import ActionExecutor
from rasa_sdk.interfaces import ActionNotFoundException
from sanic import HTTPResponse, Request, Sanic
from sanic.exceptions import SanicException
from sanic.response import json

from actions.base import shop
from actions.recommend import warm_up
from shop.errors import SettingsError, ShopError
from shop.models import ProductQuery
from shop.settings import ShopSettings, read

logger = logging.getLogger(__name__)

SECRET_HEADER = "X-Xiaoer-Secret"
LARGEST_REQUEST_BYTES = 4_000_000


def create_app(secret: str) -> Sanic:
    """The server; every call of an action must bring the secret in `X-Xiaoer-Secret`."""
    app = Sanic("xiaoer_actions", configure_logging=False)
    app.config.REQUEST_MAX_SIZE = LARGEST_REQUEST_BYTES
    app.config.FALLBACK_ERROR_FORMAT = "json"
    executor = ActionExecutor()
    executor.register_package("actions")

    @app.after_server_start
    async def warm_up(app: Sanic, _: asyncio.AbstractEventLoop) -> None:
        """The first shopper need not wait for what is read once."""
        app.add_task(asyncio.to_thread(read_ahead))

    @app.get("/health")
    async def health(_: Request) -> HTTPResponse:
        return json({"status": "ok"})

    @app.post("/webhook")
    async def webhook(request: Request) -> HTTPResponse:
        given = request.headers.get(SECRET_HEADER, "")
        if not hmac.compare_digest(given.encode(), secret.encode()):
            return json({"error": "secret"}, status=403)
        call = request.json
        if not isinstance(call, dict):
            return json({"error": "body"}, status=400)
        try:
            return json(await executor.run(call))
        except ActionNotFoundException as error:
            logger.error("No action '%s'.", error.action_name)
            return json({"error": "action", "action_name": error.action_name}, status=404)

    @app.exception(Exception)  # type: ignore[untyped-decorator]
    async def failed(_: Request, error: Exception) -> HTTPResponse:
        if isinstance(error, SanicException):
            return json({"error": type(error).__name__}, status=error.status_code)
        logger.error("A call of an action failed.", exc_info=error)
        return json({"error": "internal"}, status=500)

    return app


def read_ahead() -> None:
    """Opens the shop and its search; where the database is away, the first message will try."""
    try:
        shop().search_products(ProductQuery(text="小二", limit=1))
        warm_up()
    except ShopError as error:
        logger.error("The shop is not ready: %s", error)


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    # They tell of every action and of every library at a start.
    for name in ("rasa_sdk.executor", "sanic.root"):
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        settings = read(ShopSettings)
        if not settings.secret:
            raise SettingsError("XIAOER_SECRET", "", "expected a secret, the same for both servers")
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    app = create_app(settings.secret)
    app.run(host="127.0.0.1", port=settings.action_port, access_log=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
