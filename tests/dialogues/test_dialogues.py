"""Plays every script of this folder through the web channel, with actions and database."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.filling import Filling
from bot.responses import Responses
from shop.settings import ShopSettings, read
from shop.sql import open_shop
from shop.text.words import Words
from tests.dialogues.script import Dialogue, Rehearsal, read_dialogues
from tools.webchat import Shopper

pytestmark = pytest.mark.servers

RESPONSES = Responses()
WORDS = Words.load(Path("data/words"))


def filling(lang: str) -> Filling:
    settings = ShopSettings()
    return Filling(
        lang=lang, word=WORDS.say, timezone=settings.timezone, currency=settings.currency
    )


@pytest.mark.parametrize("dialogue", read_dialogues(Path(__file__).parent), ids=str)
def test_dialogue(dialogue: Dialogue, servers):
    engine = sa.create_engine(f"sqlite:///{servers.database}", future=True)

    def count_rows(table: str) -> int:
        with engine.connect() as connection:
            return int(connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one())

    shopper = Shopper(servers.address, lang=dialogue.lang)
    try:
        if dialogue.customer:
            shopper.sign_in(customer_id(servers, dialogue.customer))
        Rehearsal(dialogue, shopper, RESPONSES, filling, count_rows).play()
    finally:
        shopper.leave()
        engine.dispose()


def customer_id(servers, situation: str) -> int:
    settings = read(ShopSettings, servers.environ)
    known = {
        sample.situation: sample.customer.id for sample in open_shop(settings).sample_customers()
    }
    assert situation in known, f"no sample customer is '{situation}', only {sorted(known)}"
    return known[situation]
