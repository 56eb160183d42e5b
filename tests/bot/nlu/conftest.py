"""A tiny encoder and tiny data, so that a component is trained in a second or two."""

from __future__ import annotations

from pathlib import Path

import pytest
from rasa.shared.nlu.training_data.loading import load_data
from rasa.shared.nlu.training_data.training_data import TrainingData

from shop.text import encoder
from tests import tiny_encoder

DATA = """
version: "3.1"
nlu:
- intent: check_order
  examples: |
    - 查订单
    - 帮我查一下订单
    - 查一下我的订单
    - where is my order
    - find my order please
    - 订单到哪了
    - my order please
    - 查我的 order
- intent: return_item
  examples: |
    - 我要退货
    - 退货
    - 退货 please
    - i want to return the shoes
    - return my [red](color) shoes
    - 我要退[黑色](color)的鞋
    - please return the [blue](color) shoes
    - 帮我退货
- intent: search_product
  examples: |
    - 买[红色](color)的鞋
    - 找[黑色](color)鞋
    - [两双](quantity)[蓝色](color)的鞋
    - find [red](color) shoes
    - [two pairs](quantity) of [blue](color) shoes
    - 我要买鞋
    - 买[两双](quantity)鞋
    - find shoes please
- intent: out_of_scope
  examples: |
    - 今天天气
    - sing me a song
    - 讲个笑话
    - weather
    - 股票
    - football
    - 写作业
    - homework
- intent: send_image
  examples: |
    - [图片]
    - [photo]
"""


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared tiny encoder."""
    place = tmp_path_factory.mktemp("encoder")
    source = tiny_encoder.write(place / "source")
    return encoder.prepare(str(source), place / "encoder", progress=lambda step: None)


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> TrainingData:
    """A few examples in both languages."""
    path = tmp_path_factory.mktemp("data") / "nlu.yml"
    path.write_text(DATA, encoding="utf-8")
    return load_data(str(path))
