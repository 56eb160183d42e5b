"""Requests whose head is malformed get a 400.

Sanic 21.12 answers 500 to a method that is not ASCII and to a length that is no number, and writes
a traceback for such an address.
"""

from __future__ import annotations

import functools
from typing import Any

from sanic import Sanic
from sanic.exceptions import InvalidUsage, SanicException
from sanic.http import Http
from sanic.request import Request


class StrictRequest(Request):
    """Refuses a method that could not even be named in an answer."""

    def __init__(
        self, url_bytes: bytes, headers: Any, version: str, method: str, *others: Any, **more: Any
    ) -> None:
        """See the parent class. Raises: InvalidUsage (400)."""
        if not method.isascii():
            raise InvalidUsage("Bad Request")
        super().__init__(url_bytes, headers, version, method, *others, **more)


def refuse_malformed(app: Sanic) -> None:
    """Make the application strict; again does no harm."""
    app.request_class = StrictRequest
    if not hasattr(Http.error_response, "__wrapped__"):
        Http.error_response = _strict(Http.error_response)  # type: ignore[method-assign]


def _strict(error_response: Any) -> Any:
    @functools.wraps(error_response)
    async def strict(self: Http, exception: Exception) -> None:
        # Without a request, it was the head that could not be read.
        if self.request is None:
            if not isinstance(exception, SanicException):
                exception = InvalidUsage("Bad Request")
            if self.url and not self.url.isascii():
                self.url = None
        await error_response(self, exception)

    return strict
