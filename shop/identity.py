"""Who is speaking: sign-in tokens, and the customer bound to each conversation.

The shop's page passes a short-lived signed token (JWT); the customer it names is bound to the
conversation's `sender_id` in the database. What a shopper types never decides who they are.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import jwt
from sqlalchemy import delete, select
from sqlalchemy.engine import Connection, Engine

from shop.database import LARGEST_ID, reading, upsert, writing
from shop.errors import BadToken, InvalidValue, NotAllowed, NotFound, SettingsError
from shop.schema import customers, identities, used_tokens
from shop.settings import ShopSettings, variable

AUDIENCE = "xiaoer"
LIFETIME = timedelta(minutes=5)
# How far the clocks of the shop's page and of this machine may be apart.
CLOCK_SKEW = timedelta(seconds=10)
LONGEST_SENDER = 255
# A member of a Telegram group: all others read what the bot answers there.
IN_A_GROUP = re.compile(r"tg:-\d+:\d+")
# Room for any sensible token; a longer one is not even parsed.
LONGEST_TOKEN = 4096


@dataclass(frozen=True)
class Claims:
    """What a valid token says."""

    customer_id: int
    token_id: str
    issued_at: datetime
    expires_at: datetime


def utc_now() -> datetime:
    return datetime.now(timezone.utc)


class Identity:
    """Binds conversations to customers; safe in any thread and any number of processes.

    Args:
        engine: the shop's database.
        secret: key of HS256 tokens; empty: none are accepted.
        public_key: PEM of the Ed25519 key of EdDSA tokens; empty: none are accepted.
        now: the clock.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        secret: str = "",
        public_key: str = "",
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._engine = engine
        self._secret = secret
        # By algorithm, so that a token can never choose the key it is checked with: a public key
        # taken for an HMAC secret would let anyone sign.
        self._keys: dict[str, Any] = {}
        if secret:
            self._keys["HS256"] = secret
        if public_key:
            self._keys["EdDSA"] = public_key
        self._now = now

    @classmethod
    def open(cls, engine: Engine, settings: ShopSettings) -> Identity:
        """With the keys that the settings name. Raises: SettingsError."""
        public_key = ""
        if settings.sign_in_key:
            try:
                public_key = settings.sign_in_key.read_text(encoding="ascii")
                jwt.get_algorithm_by_name("EdDSA").prepare_key(public_key)
            except (OSError, ValueError, TypeError, jwt.InvalidKeyError) as exc:
                raise SettingsError(
                    variable("sign_in_key"), str(settings.sign_in_key), "expected an Ed25519 PEM"
                ) from exc
        return cls(engine, secret=settings.secret, public_key=public_key)

    def issue(self, customer_id: int) -> str:
        """A fresh token, as a shop's page would sign it (HS256), for the demo page and tests."""
        if not self._secret:
            raise SettingsError(variable("secret"), "(unset)", "expected a secret to sign with")
        now = self._now()
        claims = {
            "sub": str(customer_id),
            "aud": AUDIENCE,
            "iat": int(now.timestamp()),
            "exp": int((now + LIFETIME).timestamp()),
            "jti": uuid.uuid4().hex,
        }
        return jwt.encode(claims, self._secret, algorithm="HS256")

    def verify(self, token: str) -> Claims:
        """Check a token and use it up.

        Raises:
            BadToken: with reason token_invalid, token_expired or token_used.
            Unavailable: the database is; the token stays unused.
        """
        claims = self._read(token)
        with writing(self._engine) as connection:
            self._use_up(connection, claims)
        return claims

    def sign_in(self, sender_id: str, token: str) -> Claims:
        """`verify` and `bind` in one transaction: a token is used up only if the binding holds."""
        claims = self._read(token)
        sender_id = valid_sender(sender_id)
        with writing(self._engine) as connection:
            self._use_up(connection, claims)
            self._bind(connection, sender_id, claims.customer_id)
        return claims

    def bind(self, sender_id: str, customer_id: int) -> None:
        """Bind a conversation to a customer, instead of any other.

        Raises:
            NotFound: there is no such customer.
            NotAllowed: with reason group: what one buys is not for a group to read.
            InvalidValue: the sender id is empty, too long or holds control characters.
        """
        sender_id = valid_sender(sender_id)
        with writing(self._engine) as connection:
            self._bind(connection, sender_id, customer_id)

    def unbind(self, sender_id: str) -> None:
        """Sign out; nothing happens where nobody is signed in."""
        sender_id = valid_sender(sender_id)
        with writing(self._engine) as connection:
            connection.execute(delete(identities).where(identities.c.sender_id == sender_id))

    def customer_of(self, sender_id: str) -> int | None:
        """The customer of a conversation, None for a visitor."""
        sender_id = valid_sender(sender_id)
        row = select(identities.c.customer_id).where(identities.c.sender_id == sender_id)
        with reading(self._engine) as connection:
            return connection.execute(row).scalar_one_or_none()

    def _read(self, token: str) -> Claims:
        """The claims of a token whose signature, times and form are right."""
        if not isinstance(token, str) or len(token) > LONGEST_TOKEN:
            raise BadToken("token_invalid", "not a token")
        try:
            algorithm = jwt.get_unverified_header(token).get("alg")
            if algorithm not in self._keys:
                raise BadToken("token_invalid", "signed with an algorithm that is not set up")
            payload = jwt.decode(
                token,
                self._keys[algorithm],
                algorithms=[algorithm],
                audience=AUDIENCE,
                # The times are checked below, against the given clock.
                options={
                    "require": ["sub", "aud", "iat", "exp", "jti"],
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
            issued, expires = _time(payload["iat"]), _time(payload["exp"])
            customer_id = int(payload["sub"])
            token_id = payload["jti"]
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, OSError) as exc:
            raise BadToken("token_invalid", type(exc).__name__) from exc
        if not (
            isinstance(token_id, str)
            and 8 <= len(token_id) <= 64
            and token_id.isascii()
            and token_id.isprintable()
        ):
            raise BadToken("token_invalid", "jti must be 8 to 64 ASCII characters")
        if not 0 < customer_id <= LARGEST_ID:
            raise BadToken("token_invalid", "sub is no customer")
        if not timedelta() < expires - issued <= LIFETIME:
            raise BadToken("token_invalid", "lives longer than five minutes")
        now = self._now()
        if issued > now + CLOCK_SKEW:
            raise BadToken("token_invalid", "from the future")
        if expires < now - CLOCK_SKEW:
            raise BadToken("token_expired")
        return Claims(customer_id, token_id, issued, expires)

    def _use_up(self, connection: Connection, claims: Claims) -> None:
        """Write the token down as used; of two at once, the primary key lets one through."""
        over = self._now() - LIFETIME - CLOCK_SKEW
        connection.execute(delete(used_tokens).where(used_tokens.c.expires_at < over))
        used = connection.execute(
            upsert(connection, used_tokens)
            .values(token_id=claims.token_id, expires_at=claims.expires_at)
            .on_conflict_do_nothing()
        )
        if used.rowcount != 1:
            raise BadToken("token_used")

    def _bind(self, connection: Connection, sender_id: str, customer_id: int) -> None:
        if IN_A_GROUP.fullmatch(sender_id):
            raise NotAllowed("group")
        exists = select(customers.c.id).where(customers.c.id == customer_id)
        if not 0 < customer_id <= LARGEST_ID or connection.execute(exists).first() is None:
            raise NotFound(f"customer {customer_id}")
        row = {"customer_id": customer_id, "bound_at": self._now()}
        connection.execute(
            upsert(connection, identities)
            .values(sender_id=sender_id, **row)
            .on_conflict_do_update(index_elements=["sender_id"], set_=row)
        )


def valid_sender(sender_id: str) -> str:
    """The sender id itself. Raises: InvalidValue, where no channel of ours can have made it."""
    if (
        not isinstance(sender_id, str)
        or not 0 < len(sender_id) <= LONGEST_SENDER
        # Also refuses lone surrogates and NUL, which databases cannot store.
        or not sender_id.isprintable()
    ):
        raise InvalidValue("not a sender id")
    return sender_id


def _time(seconds: Any) -> datetime:
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise ValueError("not a time")
    return datetime.fromtimestamp(seconds, timezone.utc)
