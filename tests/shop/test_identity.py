"""Sign-in tokens count once, for five minutes, and bind a conversation to a customer."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select
from sqlalchemy.engine import Engine

from shop import schema
from shop.database import open_engine, reading
from shop.errors import BadToken, InvalidValue, NotAllowed, NotFound, SettingsError, Unavailable
from shop.identity import AUDIENCE, CLOCK_SKEW, LIFETIME, Identity
from shop.settings import ShopSettings
from tests.checks.toy_shop import EMMA, MING, NOBODY

SECRET = "a secret of thirty-two bytes or more"
NOW = datetime(2026, 5, 20, 12, tzinfo=timezone.utc)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)


class Clock:
    """A clock that a test can move."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def identity(engine: Engine, clock: Clock) -> Identity:
    return Identity(engine, secret=SECRET, public_key=PUBLIC.decode(), now=clock)


def claims(**changes: Any) -> dict[str, Any]:
    """What a good token says, with changes; None leaves a claim out."""
    iat = int(NOW.timestamp())
    good = {"sub": "1", "aud": AUDIENCE, "iat": iat, "exp": iat + 120, "jti": "token-0001"}
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def signed(payload: dict[str, Any], key: Any = SECRET, algorithm: str = "HS256") -> str:
    return jwt.encode(payload, key, algorithm=algorithm)


def unchecked(header: dict[str, Any], payload: dict[str, Any], signature: bytes = b"") -> str:
    """A token put together by hand, as an attacker would."""
    parts = [json.dumps(header).encode(), json.dumps(payload).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def test_an_issued_token_names_its_customer(identity: Identity) -> None:
    said = identity.verify(identity.issue(EMMA))

    assert said.customer_id == EMMA
    assert said.expires_at - said.issued_at == LIFETIME == timedelta(minutes=5)


def test_no_two_tokens_are_the_same(identity: Identity) -> None:
    assert identity.issue(EMMA) != identity.issue(EMMA)


@pytest.mark.parametrize(("key", "algorithm"), [(SECRET, "HS256"), (KEY, "EdDSA")])
def test_a_token_counts_once(identity: Identity, key: Any, algorithm: str) -> None:
    token = signed(claims(), key, algorithm)

    assert identity.verify(token).customer_id == MING
    with pytest.raises(BadToken) as caught:
        identity.verify(token)
    assert caught.value.reason == "token_used"


def test_a_token_counts_once_also_under_another_signature(identity: Identity) -> None:
    """The same jti in a fresh token is the same token."""
    identity.verify(signed(claims()))
    with pytest.raises(BadToken) as caught:
        identity.verify(signed(claims(sub="2"), KEY, "EdDSA"))

    assert caught.value.reason == "token_used"


def seconds(count: float) -> int:
    return int(NOW.timestamp() + count)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sub": None}, "token_invalid"),
        ({"sub": "0"}, "token_invalid"),
        ({"sub": "-1"}, "token_invalid"),
        ({"sub": "1 OR 1=1"}, "token_invalid"),
        ({"sub": str(2**31)}, "token_invalid"),
        ({"sub": 1}, "token_invalid"),
        ({"aud": None}, "token_invalid"),
        ({"aud": "someone-else"}, "token_invalid"),
        ({"iat": None}, "token_invalid"),
        ({"iat": "yesterday"}, "token_invalid"),
        ({"iat": True}, "token_invalid"),
        ({"iat": 10**30}, "token_invalid"),
        ({"exp": None}, "token_invalid"),
        ({"exp": seconds(LIFETIME.total_seconds() + 1)}, "token_invalid"),
        ({"exp": seconds(0)}, "token_invalid"),
        ({"jti": None}, "token_invalid"),
        ({"jti": ""}, "token_invalid"),
        ({"jti": "short"}, "token_invalid"),
        ({"jti": "x" * 65}, "token_invalid"),
        ({"jti": "token\x000001"}, "token_invalid"),
        ({"jti": "令牌令牌令牌令牌"}, "token_invalid"),
        ({"jti": 12345678}, "token_invalid"),
        ({"iat": seconds(60), "exp": seconds(120)}, "token_invalid"),
        ({"iat": seconds(-300), "exp": seconds(-60)}, "token_expired"),
    ],
)
def test_a_token_that_says_anything_wrong_does_not_count(
    identity: Identity, changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(BadToken) as caught:
        identity.verify(signed(claims(**changes)))

    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "token",
    [
        "",
        "not a token",
        "a.b.c",
        "a" * 5000,
        "\x00",
        "a\ud800.b.c",
        "令牌",
        signed(claims(), "another secret of thirty-two bytes..."),
        signed(claims(), Ed25519PrivateKey.from_private_bytes(bytes(32)), "EdDSA"),
        signed(claims(), SECRET * 2, "HS512"),
        unchecked({"alg": "none"}, claims()),
        unchecked({"alg": "None"}, claims()),
        unchecked({"alg": ["HS256"]}, claims()),
        unchecked({}, claims()),
        signed(claims())[:-2],
        signed(claims()) + "A",
    ],
)
def test_a_token_signed_by_nobody_we_know_does_not_count(identity: Identity, token: str) -> None:
    with pytest.raises(BadToken) as caught:
        identity.verify(token)

    assert caught.value.reason == "token_invalid"


def test_the_public_key_is_no_secret_to_sign_with(identity: Identity) -> None:
    """The old trick: sign with HS256 and the public key, which everybody has."""
    head, body, _ = unchecked({"alg": "HS256", "typ": "JWT"}, claims()).split(".")
    signature = hmac.new(PUBLIC, f"{head}.{body}".encode(), hashlib.sha256).digest()
    forged = unchecked({"alg": "HS256", "typ": "JWT"}, claims(), signature)

    with pytest.raises(BadToken):
        identity.verify(forged)


@pytest.mark.parametrize(
    ("keys", "token"),
    [
        ({"secret": SECRET}, signed(claims(), KEY, "EdDSA")),
        ({"public_key": PUBLIC.decode()}, signed(claims())),
        ({}, signed(claims())),
    ],
)
def test_only_what_is_set_up_is_accepted(engine: Engine, keys: dict[str, str], token: str) -> None:
    with pytest.raises(BadToken):
        Identity(engine, now=Clock(), **keys).verify(token)


@pytest.mark.parametrize(
    ("moved", "counts"),
    [
        (timedelta(seconds=119), True),
        (timedelta(seconds=120) + CLOCK_SKEW / 2, True),
        (timedelta(seconds=121) + CLOCK_SKEW, False),
        (-CLOCK_SKEW / 2, True),
        (-CLOCK_SKEW * 2, False),
    ],
)
def test_clocks_may_differ_by_a_few_seconds(
    identity: Identity, clock: Clock, moved: timedelta, counts: bool
) -> None:
    clock.now += moved
    if counts:
        assert identity.verify(signed(claims())).customer_id == MING
    else:
        with pytest.raises(BadToken):
            identity.verify(signed(claims()))


def test_used_tokens_are_forgotten_when_they_have_long_expired(
    identity: Identity, clock: Clock, engine: Engine
) -> None:
    identity.verify(identity.issue(MING))
    clock.now += timedelta(hours=1)
    identity.verify(identity.issue(MING))
    with reading(engine) as connection:
        kept = connection.execute(select(schema.used_tokens)).all()

    assert len(kept) == 1


def test_of_many_threads_with_one_token_one_succeeds(identity: Identity) -> None:
    token = identity.issue(MING)

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: _reason(lambda: identity.verify(token)), range(8)))

    assert sorted(results) == ["ok"] + ["token_used"] * 7


def test_of_two_processes_with_one_token_one_succeeds(engine: Engine, tmp_path: Path) -> None:
    issuer = Identity(engine, secret=SECRET)
    url = engine.url.render_as_string(hide_password=False)
    context = multiprocessing.get_context("spawn")
    with context.Pool(2) as pool:
        for _ in range(10):
            token = issuer.issue(MING)
            results = pool.starmap(_sign_in, [(url, f"web:{n}", token) for n in range(2)])
            assert sorted(results) == ["ok", "token_used"]


def _sign_in(url: str, sender_id: str, token: str) -> str:
    engine = open_engine(ShopSettings(database_url=url))
    result = _reason(lambda: Identity(engine, secret=SECRET).sign_in(sender_id, token))
    engine.dispose()
    return result


def _reason(act: Callable[[], object]) -> str:
    try:
        act()
    except BadToken as error:
        return error.reason
    return "ok"


# --- who is in which conversation ----------------------------------------------------------------


def test_nobody_is_signed_in_at_first(identity: Identity) -> None:
    assert identity.customer_of("web:1") is None


def test_a_conversation_is_bound_to_its_customer_only(identity: Identity) -> None:
    identity.bind("web:1", MING)
    identity.bind("tg:7", EMMA)

    assert identity.customer_of("web:1") == MING
    assert identity.customer_of("tg:7") == EMMA
    assert identity.customer_of("web:2") is None


def test_signing_in_binds_the_customer_of_the_token(identity: Identity) -> None:
    identity.sign_in("web:1", identity.issue(EMMA))

    assert identity.customer_of("web:1") == EMMA


def test_another_customer_may_sign_in_in_the_same_conversation(identity: Identity) -> None:
    identity.sign_in("web:1", identity.issue(EMMA))
    identity.sign_in("web:1", identity.issue(MING))

    assert identity.customer_of("web:1") == MING


def test_a_customer_may_have_several_conversations(identity: Identity) -> None:
    identity.bind("web:1", MING)
    identity.bind("wx:1", MING)
    identity.unbind("web:1")

    assert identity.customer_of("web:1") is None
    assert identity.customer_of("wx:1") == MING


@pytest.mark.parametrize("sender", ["tg:-70:5", "tg:-1001234567890:5"])
def test_nobody_signs_in_where_a_group_reads_along(identity: Identity, sender: str) -> None:
    with pytest.raises(NotAllowed) as refused:
        identity.bind(sender, EMMA)
    assert refused.value.reason == "group"
    token = identity.issue(EMMA)
    with pytest.raises(NotAllowed):
        identity.sign_in(sender, token)
    assert identity.customer_of(sender) is None
    # The token still counts in the private chat.
    assert identity.sign_in("tg:5", token).customer_id == EMMA


def test_signing_out_twice_does_no_harm(identity: Identity) -> None:
    identity.unbind("web:1")
    identity.unbind("web:1")


def test_a_bad_token_leaves_the_conversation_as_it_was(identity: Identity) -> None:
    identity.bind("web:1", MING)
    with pytest.raises(BadToken):
        identity.sign_in("web:1", "forged")

    assert identity.customer_of("web:1") == MING


@pytest.mark.parametrize("customer_id", [NOBODY, 0, -1, 2**31, 10**30])
def test_only_a_customer_can_be_bound(identity: Identity, customer_id: int) -> None:
    with pytest.raises(NotFound):
        identity.bind("web:1", customer_id)


def test_a_token_for_nobody_is_not_used_up(identity: Identity, engine: Engine) -> None:
    token = identity.issue(NOBODY)
    with pytest.raises(NotFound):
        identity.sign_in("web:1", token)
    with reading(engine) as connection:
        assert connection.execute(select(schema.used_tokens)).all() == []


@pytest.mark.parametrize("sender_id", ["", "x" * 256, "a\x00b", "a\nb", "a\ud800", None, 5])
def test_what_is_no_sender_is_refused(identity: Identity, sender_id: Any) -> None:
    for act in (identity.customer_of, identity.unbind, lambda s: identity.bind(s, MING)):
        with pytest.raises(InvalidValue):
            act(sender_id)


def test_a_database_that_is_away_is_unavailable(tmp_path: Path) -> None:
    engine = open_engine(ShopSettings(database_url=f"sqlite:///{tmp_path}/none.db"))
    identity = Identity(engine, secret=SECRET)
    token = identity.issue(MING)
    for act in (lambda: identity.verify(token), lambda: identity.customer_of("web:1")):
        with pytest.raises(Unavailable):
            act()


# --- from settings -------------------------------------------------------------------------------


def test_keys_come_from_the_settings(sqlite: Engine, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(PUBLIC)
    settings = ShopSettings(secret=SECRET, sign_in_key=tmp_path / "key.pem")
    identity = Identity.open(sqlite, settings)
    now = int(datetime.now(timezone.utc).timestamp())
    times = {"iat": now, "exp": now + 60}

    assert identity.verify(signed(claims(jti="a-token-1", **times), KEY, "EdDSA")).customer_id == 1
    assert identity.verify(signed(claims(jti="a-token-2", **times))).customer_id == 1


def test_a_key_file_that_holds_no_key_is_named(sqlite: Engine, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("no key")
    for file in (tmp_path / "key.pem", tmp_path / "missing.pem", tmp_path):
        with pytest.raises(SettingsError, match="XIAOER_SIGN_IN_KEY") as caught:
            Identity.open(sqlite, ShopSettings(sign_in_key=file))
        assert str(file) in str(caught.value)


def test_without_a_secret_no_token_can_be_issued(sqlite: Engine) -> None:
    with pytest.raises(SettingsError, match="XIAOER_SECRET"):
        Identity(sqlite).issue(MING)
