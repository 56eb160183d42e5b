"""What is made before a start, what is not made again, and how a mistake is named."""

import shutil
import socket

import pytest

from shop.recommend import artefact
from shop.settings import ShopSettings
from tests.servers import fill_shop
from tools import prepare, run


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with one rule and one sentence."""
    for folder in ("rules", "responses"):
        (tmp_path / "data" / folder).mkdir(parents=True)
    (tmp_path / "data" / "rules" / "orders.yml").write_text("rules: []\n")
    (tmp_path / "data" / "responses" / "orders.yml").write_text(
        "responses:\n  utter_a:\n  - {lang: zh, text: 甲}\n  - {lang: en, text: A}\n"
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def trainings(monkeypatch):
    """Trainings that were started; each leaves a model, as Rasa does."""
    started = []

    def train(*command, error):
        started.append(command)
        prepare.MODEL.parent.mkdir(exist_ok=True)
        prepare.MODEL.write_bytes(b"model")

    monkeypatch.setattr(prepare, "run", train)
    return started


def test_nothing_is_trained_twice(project, trainings):
    prepare.train()
    prepare.train()
    assert len(trainings) == 1


def test_an_edited_sentence_needs_no_training(project, trainings):
    prepare.train()
    sentences = project / "data" / "responses" / "orders.yml"
    sentences.write_text(sentences.read_text().replace("甲", "乙"))
    prepare.train()
    assert len(trainings) == 1


@pytest.mark.parametrize("file", ["rules/orders.yml", "nlu/orders.zh.yml"])
def test_an_edited_rule_or_example_is_trained(project, trainings, file):
    prepare.train()
    edited = project / "data" / file
    edited.parent.mkdir(exist_ok=True)
    edited.write_text("rules: [] # edited\n")
    prepare.train()
    assert len(trainings) == 2


def test_a_lost_model_is_trained_again(project, trainings):
    prepare.train()
    shutil.rmtree("models")
    prepare.train()
    assert len(trainings) == 2


def test_broken_yaml_is_named_with_file_and_line(project):
    (project / "data" / "rules" / "orders.yml").write_text("rules:\n- rule: a\n  steps: [\n")
    with pytest.raises(prepare.PrepareError) as raised:
        prepare.check_yaml()
    assert str(raised.value).startswith("data/rules/orders.yml:4: this is not YAML:")


def test_a_word_in_an_unknown_language_is_named_with_file_and_line(project):
    (project / "data" / "words").mkdir(exist_ok=True)
    file = project / "data" / "words" / "colour.yml"
    file.write_text("words:\n  colour:\n    black: {zh: 黑色, cn: 黑}\n")
    with pytest.raises(prepare.PrepareError, match=r"^data/words/colour.yml:3: 'black' has words"):
        prepare.check_yaml()


def test_a_response_in_an_unknown_language_is_named_with_file_and_line(project):
    (project / "data" / "responses").mkdir(exist_ok=True)
    file = project / "data" / "responses" / "orders.yml"
    file.write_text("responses:\n  utter_paid:\n  - lang: fr\n    text: payé\n")
    with pytest.raises(prepare.PrepareError, match=r"^data/responses/orders.yml:3: utter_paid: "):
        prepare.check_yaml()


def test_a_taken_port_is_named_with_its_setting():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(prepare.PrepareError, match=rf"^XIAOER_PORT={port}: cannot listen"):
            run.check_port("XIAOER_PORT", "127.0.0.1", port)


@pytest.mark.parametrize("host", ["192.0.2.1", "nowhere.invalid"])
def test_an_address_that_is_not_ours_is_named_with_its_setting(host):
    with pytest.raises(prepare.PrepareError, match=rf"^XIAOER_HOST={host}: is no address"):
        run.check_port("XIAOER_PORT", host, 5005)


def test_both_servers_cannot_have_one_port():
    with pytest.raises(prepare.PrepareError, match=r"^XIAOER_ACTION_PORT=5005: XIAOER_PORT"):
        run.check_ports_differ(ShopSettings(action_port=5005))
    run.check_ports_differ(ShopSettings())


def test_a_free_port_passes():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    run.check_port("XIAOER_PORT", "127.0.0.1", port)


def test_what_to_recommend_is_learned_once(tmp_path, monkeypatch, capfd):
    database = fill_shop(tmp_path)
    monkeypatch.setenv("XIAOER_DATABASE_URL", f"sqlite:///{database}")
    monkeypatch.setenv("XIAOER_ENCODER_FOLDER", str(tmp_path / "no-encoder"))
    folder = tmp_path / "recommend"

    prepare.prepare_recommendations(folder)
    learned = artefact.current(folder)
    assert artefact.read(folder).about.items > 0
    prepare.prepare_recommendations(folder)
    assert artefact.current(folder) == learned
    assert capfd.readouterr().out.count("Learning") == 1

    (folder / str(learned) / "hybrid.npz").write_bytes(b"damaged")
    prepare.prepare_recommendations(folder)
    assert artefact.current(folder) != learned
    assert artefact.read(folder).about.items > 0


def test_a_start_goes_on_where_nothing_can_be_learned(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("XIAOER_DATABASE_URL", f"sqlite:///{tmp_path}/none/none.db")
    monkeypatch.setenv("XIAOER_ENCODER_FOLDER", str(tmp_path / "no-encoder"))

    prepare.prepare_recommendations(tmp_path / "recommend")

    said = capfd.readouterr()
    assert "Nothing was learned" in said.out
    assert "Traceback" not in said.out + said.err
