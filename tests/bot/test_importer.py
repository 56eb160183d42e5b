"""Sentences stay out of training, names do not."""

import shutil
from pathlib import Path

import pytest
from rasa.shared.importers.importer import TrainingDataImporter

from bot.importer import ShopImporter


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A copy of the project's designers' files, to edit."""
    for name in ("config.yml", "domain.yml"):
        shutil.copy(name, tmp_path)
    for name in ("rules", "responses"):
        shutil.copytree(Path("data") / name, tmp_path / "data" / name)
    nlu = tmp_path / "data" / "nlu" / "smalltalk.zh.yml"
    nlu.parent.mkdir()
    nlu.write_text('version: "3.1"\nnlu:\n- intent: greet\n  examples: |\n    - 你好\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def importer() -> TrainingDataImporter:
    return TrainingDataImporter.load_from_config("config.yml", "domain.yml", ["data"])


def test_config_names_this_importer(project):
    inner = importer().importer._importer._importers
    assert [type(one) for one in inner] == [ShopImporter]


def test_responses_are_no_training_data(project):
    assert not importer().get_nlu_data().responses


def test_rules_know_the_responses_they_name(project):
    responses = importer().get_domain().responses
    assert "utter_greet" in responses
    assert "utter_order_detail" not in responses, "said by an action, not by a rule"


def test_an_edited_sentence_changes_nothing_that_is_trained(project):
    before = importer()
    fingerprints = before.get_domain().fingerprint(), before.get_nlu_data().fingerprint()
    sentences = project / "data" / "responses" / "smalltalk.yml"
    sentences.write_text(sentences.read_text().replace("您好，我是小二", "欢迎光临"))
    after = importer()
    assert (after.get_domain().fingerprint(), after.get_nlu_data().fingerprint()) == fingerprints


def test_a_rule_that_names_no_response_is_left_for_rasa_to_report(project):
    rules = project / "data" / "rules" / "smalltalk.yml"
    rules.write_text(rules.read_text().replace("action: utter_thank", "action: utter_thanks"))
    assert "utter_thanks" not in importer().get_domain().responses
