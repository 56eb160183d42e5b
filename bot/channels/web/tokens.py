"""Session tokens: the page holds one, and only through it a conversation is reached."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

import jwt

# Not the audience of the shop's sign-in tokens: neither can pass for the other.
AUDIENCE = "xiaoer-web"
_ALGORITHM = "HS256"


@dataclass(frozen=True)
class Session:
    """A session on the web.

    Attributes:
        id: 128 random bits.
        expires: of the token, in Unix seconds.
        token: what the page holds.
    """

    id: str
    expires: int
    token: str

    @property
    def sender_id(self) -> str:
        """Of the conversation."""
        return f"web:{self.id}"

    @property
    def expired(self) -> bool:
        """Whether the token's time is over."""
        return self.expires <= time.time()


class SessionTokens:
    """Issues and reads them, signed with the shop's secret."""

    def __init__(self, secret: str, *, days: float) -> None:
        self._secret = secret
        self._seconds = days * 86_400

    def issue(self, session_id: str = "") -> Session:
        """A fresh token, for a new session unless one is named."""
        session_id = session_id or secrets.token_urlsafe(16)
        now = int(time.time())
        expires = int(now + self._seconds)
        claims = {"sub": session_id, "aud": AUDIENCE, "iat": now, "exp": expires}
        return Session(session_id, expires, jwt.encode(claims, self._secret, algorithm=_ALGORITHM))

    def read(self, token: object) -> Session | None:
        """The session of a token; None if it is not ours or has expired."""
        if not isinstance(token, str):
            return None
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=[_ALGORITHM],
                audience=AUDIENCE,
                options={"require": ["sub", "aud", "exp"]},
            )
        # PyJWT lets a few ValueErrors of the decoders through.
        except (jwt.PyJWTError, ValueError):
            return None
        return Session(claims["sub"], claims["exp"], token)
