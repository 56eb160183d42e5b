"""What every channel must do (S1-S14 of the specification): inherit `ChannelChecks`.

A channel's test class writes an adapter: `make` a channel, let a `shopper` talk through the real
platform protocol, and make sending fail. The rest is here, against a real server with a scripted
agent.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
import requests
from rasa.core.channels.channel import UserMessage
from rasa.core.nlg import TemplatedNaturalLanguageGenerator
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.core.training_data.story_reader.yaml_story_reader import YAMLStoryReader
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message

from bot.channels.base import Channel, ChannelSettings
from bot.channels.state import RedisState, SqliteState, State
from shop.errors import Unavailable
from tests.fakes.agent import Gate, ScriptedAgent, say, silence, slow
from tests.fakes.server import Server, serve

NOTIFY_SECRET = "n" * 32
# Seconds until a test counts what it waits for as never happening; one that passes does not wait.
PATIENCE = 30.0

EVERYTHING = {
    "text": "All at once",
    "buttons": [{"title": "Blue", "payload": '/choose{"colour": "blue"}'}],
    "image": "https://shop.example/picture.png",
    "elements": [
        {
            "title": "Kettle",
            "subtitle": "1.7 l",
            "price": "¥129",
            "image_url": "https://shop.example/kettle.png",
            "buttons": [{"title": "Details", "payload": "/details"}],
        },
        {"title": "Teapot", "subtitle": "Clay"},
    ],
    "custom": {"type": "unheard_of", "secret": "inner workings"},
}


class Shopper(ABC):
    """Somebody at the other end of a channel, who speaks the platform's protocol."""

    sender_id: str

    @abstractmethod
    def type(self, text: str, *, message_id: str = "") -> None:
        """Send a text; with a `message_id` given, as a delivery of that id."""

    @abstractmethod
    def tap(self, title: str) -> None:
        """Press the newest button of that title."""

    @abstractmethod
    def heard(self) -> list[str]:
        """Everything shown so far, one string a line, title, button or card."""

    def waits_for(self, *wanted: str, seconds: float = PATIENCE) -> list[str]:
        """What was heard, once all of `wanted` were."""
        until(lambda: all(any(w in line for line in self.heard()) for w in wanted), seconds)
        heard = self.heard()
        for line in wanted:
            assert any(line in other for other in heard), f"{line!r} is not in {heard}"
        return heard


class ChannelChecks(ABC):
    """The checks; `state` is a file and a Redis where it matters."""

    # --- the adapter

    @abstractmethod
    def make(self, folder: Path, **options: Any) -> Channel:
        """A channel; hand the options (limits, state, say) on to its constructor."""

    @abstractmethod
    def make_disabled(self, folder: Path, **options: Any) -> Channel:
        """A channel that lacks the setting without which it cannot work."""

    @abstractmethod
    def shopper(self, server: Server, name: str) -> AbstractContextManager[Shopper]:
        """A shopper who talks to the server."""

    @abstractmethod
    def sending_fails(self, channel: Channel) -> AbstractContextManager[None]:
        """While it lasts, whatever the channel sends fails."""

    def secrets(self, channel: Channel) -> list[str]:
        """What must never stand in a log, besides sender ids and texts."""
        return [NOTIFY_SECRET]

    # --- what the tests use

    @pytest.fixture(params=["sqlite", "redis"])
    def make_state(self, request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], State]:
        """Each call opens the same state as another process would."""
        if request.param == "redis":
            url = request.getfixturevalue("redis_url")
            return lambda: patient(RedisState(url, prefix=tmp_path.name))
        return lambda: patient(SqliteState(tmp_path / "state.db"))

    @contextmanager
    def talk(
        self, folder: Path, agent: ScriptedAgent, state: State | None = None, **limits: Any
    ) -> Iterator[tuple[Server, Shopper]]:
        """A server with the channel, and one shopper."""
        with (
            self.running(folder, agent, state, **limits) as (server, _),
            self.shopper(server, "anna") as shopper,
        ):
            yield server, shopper

    @contextmanager
    def running(
        self, folder: Path, agent: ScriptedAgent, state: State | None = None, **limits: Any
    ) -> Iterator[tuple[Server, Channel]]:
        """A server with the channel. Limits that a test does not give are generous."""
        # A machine that is busy elsewhere must not look like a bot that is slow.
        generous = {
            "message_rate": 1000.0,
            "notify_secret": NOTIFY_SECRET,
            "turn_deadline": PATIENCE,
            "turn_limit": PATIENCE,
            "shutdown_wait": 10.0,
        }
        channel = self.make(
            folder,
            limits=ChannelSettings(**{**generous, **limits}),
            state=state or patient(SqliteState(folder / "state.db")),
            say=say,
        )
        with serve(channel, agent=agent) as server:
            yield server, channel

    async def after_its_turns(self, channel: Channel, sender: str) -> None:
        """Until the turns of a sender that wait now are over."""
        over = asyncio.Event()

        async def tell() -> None:
            over.set()

        channel.in_order(sender, tell)
        await over.wait()

    # --- S1 … S14

    @pytest.mark.parametrize(
        "typed",
        [
            "/restart",
            "/session_start",
            '/inform{"order_id":"1"}',
            "/::)",
            "  //restart",
            "/ /restart",
            "\x1f/restart",
            "/",
            "／restart",
        ],
    )
    def test_s1_typed_text_is_plain_text(self, tmp_path: Path, typed: str) -> None:
        agent = ScriptedAgent()
        with self.talk(tmp_path, agent) as (_, shopper):
            shopper.type(typed)
            until(lambda: bool(agent.tracker[shopper.sender_id]))
            (message,) = agent.said
            as_rasa_sees_it = YAMLStoryReader.unpack_regex_message(Message({TEXT: message.text}))
            assert as_rasa_sees_it.get(INTENT) is None
            assert agent.tracker[shopper.sender_id] == [message.text]
            assert message.text.strip("/／ ") in typed
            assert message.metadata["typed"] is True

    def test_s2_a_failed_send_loses_neither_the_turn_nor_the_next(self, tmp_path: Path) -> None:
        agent = ScriptedAgent()
        with (
            self.running(tmp_path, agent) as (server, channel),
            self.shopper(server, "anna") as shopper,
        ):
            with self.sending_fails(channel):
                shopper.type("first")
                until(lambda: agent.tracker[shopper.sender_id] == ["first"])
                server.run(self.after_its_turns(channel, shopper.sender_id))
            shopper.type("second")
            shopper.waits_for("echo second")
            assert agent.tracker[shopper.sender_id] == ["first", "second"]

    def test_s3_twenty_messages_in_a_second_are_answered_in_order(self, tmp_path: Path) -> None:
        agent = ScriptedAgent()
        # The rate is raised so that the test takes a second; burst and queue are the defaults.
        with self.talk(tmp_path, agent, message_rate=20) as (_, shopper):
            for number in range(20):
                shopper.type(f"number {number:02}")
            shopper.waits_for("echo number 19")
            echoes = [line for line in shopper.heard() if line.startswith("echo")]
            assert echoes == [f"echo number {number:02}" for number in range(20)]

    def test_s4_two_shoppers_do_not_hear_each_other(self, tmp_path: Path) -> None:
        gate = Gate()
        agent = ScriptedAgent({"slow": gate.line})
        with (
            self.running(tmp_path, agent) as (server, _),
            self.shopper(server, "anna") as anna,
            self.shopper(server, "bob") as bob,
        ):
            anna.type("slow")
            until(lambda: bool(agent.said))
            bob.type("quick")
            bob.waits_for("echo quick")
            assert not any("slow" in line for line in anna.heard()), "bob did not wait for anna"
            gate.open()
            anna.waits_for("echo slow")
            assert not any("quick" in line for line in anna.heard())
            assert not any("slow" in line for line in bob.heard())
            assert anna.sender_id != bob.sender_id

    def test_s5_a_repeated_delivery_is_one_turn(
        self, tmp_path: Path, make_state: Callable[[], State]
    ) -> None:
        agent = ScriptedAgent()
        with self.talk(tmp_path, agent, make_state()) as (_, shopper):
            for _ in range(3):
                shopper.type("only once", message_id="delivery-1")
            shopper.type("last")
            shopper.waits_for("echo last")
            assert agent.texts() == ["only once", "last"]

    def test_s5_two_workers_take_a_delivery_once(self, tmp_path: Path, redis_url: str) -> None:
        def state() -> State:
            return patient(RedisState(redis_url, prefix=tmp_path.name))

        one, two = ScriptedAgent(), ScriptedAgent()
        with (
            self.running(tmp_path, one, state()) as (first, _),
            self.running(tmp_path, two, state()) as (second, _),
            self.shopper(first, "anna") as here,
            self.shopper(second, "anna") as there,
        ):
            assert here.sender_id == there.sender_id
            for shopper in (here, there):
                shopper.type("only once", message_id="delivery-1")
            for shopper in (here, there):
                shopper.type(f"last {id(shopper)}")
            until(lambda: len(one.said) + len(two.said) == 3)
            assert sorted(one.texts() + two.texts()).count("only once") == 1

    def test_s6_everything_is_shown_in_the_platforms_own_way(self, tmp_path: Path) -> None:
        agent = ScriptedAgent({"show": [EVERYTHING]})
        with self.talk(tmp_path, agent) as (_, shopper):
            shopper.type("show")
            shopper.waits_for("All at once", "Blue", "Kettle", "Teapot")
            for leak in ("Image:", "Attachment:", "inner workings", "unheard_of", "/choose", "{"):
                assert not any(leak in line for line in shopper.heard())

    def test_s7_buttons_without_text_can_be_pressed(self, tmp_path: Path) -> None:
        agent = ScriptedAgent({"ask": [{"buttons": [{"title": "Blue", "payload": "/blue"}]}]})
        with self.talk(tmp_path, agent) as (_, shopper):
            shopper.type("ask")
            shopper.waits_for("Blue")
            shopper.tap("Blue")
            shopper.waits_for("echo /blue")
            assert agent.said[-1].metadata["typed"] is False

    def test_s8_a_variation_for_the_channel_is_chosen(self, tmp_path: Path) -> None:
        async def vary(message: UserMessage) -> None:
            name = message.input_channel
            generator = TemplatedNaturalLanguageGenerator(
                {"utter_x": [{"text": "for all"}, {"text": "for this one", "channel": name}]}
            )
            tracker = DialogueStateTracker.from_events(message.sender_id, [])
            channel = message.output_channel.name()
            said = await generator.generate("utter_x", tracker, channel)
            await message.output_channel.send_response(message.sender_id, said)

        with self.talk(tmp_path, ScriptedAgent({"vary": vary})) as (_, shopper):
            shopper.type("vary")
            shopper.waits_for("for this one")

    def test_s9_news_reach_the_shopper(self, tmp_path: Path) -> None:
        agent = ScriptedAgent()
        with (
            self.running(tmp_path, agent) as (server, channel),
            self.shopper(server, "anna") as shopper,
        ):
            shopper.type("hello")
            shopper.waits_for("echo hello")
            url = f"{server.url}/webhooks/{channel.name()}/notify"
            body = {
                "recipient": shopper.sender_id,
                "intent": "parcel_shipped",
                "entities": {"parcel": "P1"},
            }
            for headers in ({}, {"X-Xiaoer-Secret": "wrong"}, {"X-Xiaoer-Secret": "错"}):
                headers = {name: value.encode() for name, value in headers.items()}
                assert requests.post(url, json=body, headers=headers).status_code == 403
            right = {"X-Xiaoer-Secret": NOTIFY_SECRET}
            through_a_proxy = {**right, "X-Forwarded-For": "203.0.113.9"}
            assert requests.post(url, json=body, headers=through_a_proxy).status_code == 404
            for wrong in ({"recipient": "other:1"}, {"recipient": None}, {"intent": "unknown"}):
                assert requests.post(url, json={**body, **wrong}, headers=right).status_code == 400
            assert requests.post(url, data=b"[]", headers=right).status_code == 400
            assert agent.triggered == []
            assert requests.post(url, json=body, headers=right).status_code == 202
            shopper.waits_for("news: parcel_shipped")
            assert agent.triggered == [(shopper.sender_id, "parcel_shipped", {"parcel": "P1"})]
            # As Rasa's reminders and its own HTTP interface do.
            output, said = channel.get_output_channel(), {"text": "I have not forgotten you"}
            server.run(output.send_response(shopper.sender_id, said))
            shopper.waits_for("I have not forgotten you")

    def test_s10_without_a_model_the_shopper_is_told(self, tmp_path: Path) -> None:
        agent = ScriptedAgent(ready=False)
        with (
            self.running(tmp_path, agent) as (server, channel),
            self.shopper(server, "anna") as shopper,
        ):
            url = f"{server.url}/webhooks/{channel.name()}/"
            assert requests.get(url).status_code == 503
            assert requests.get(url).json()["status"] == "starting"
            shopper.type("hello")
            shopper.waits_for("utter_starting")
            agent.ready = True
            assert requests.get(url).json() == {
                **requests.get(url).json(),
                "channel": channel.name(),
                "status": "ok",
            }
            shopper.type("again")
            shopper.waits_for("echo again")

    def test_s11_a_channel_that_cannot_start_leaves_the_server_up(self, tmp_path: Path) -> None:
        channel = self.make(tmp_path, state=SqliteState(tmp_path / "state.db"), say=say)

        async def start() -> None:
            raise OSError("the platform cannot be reached")

        channel.start = start  # type: ignore[method-assign]
        with serve(channel, agent=ScriptedAgent()) as server:
            health = requests.get(f"{server.url}/webhooks/{channel.name()}/")
            assert health.json()["channel"] == channel.name()

    def test_s12_logs_tell_nothing_about_shoppers(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        agent = ScriptedAgent(
            {"my secret 秘密": [EVERYTHING], "fail secretly": Unavailable("a database is down")}
        )
        with self.running(tmp_path, agent) as (server, channel):
            with self.shopper(server, "anna") as shopper:
                for text in ("my secret 秘密", "fail secretly", "secret " * 1000, "secret \x00"):
                    shopper.type(text)
                shopper.waits_for("echo secret")
                with self.sending_fails(channel):
                    shopper.type("secretly lost")
                    until(lambda: "secretly lost" in agent.texts())
                    server.run(self.after_its_turns(channel, shopper.sender_id))
                sender = shopper.sender_id
            hidden = ["secret ", "secretly", "秘密", sender, sender.split(":", 1)[1]]
            hidden += self.secrets(channel)
        assert caplog.text, "the failures are logged"
        for word in hidden:
            assert word not in caplog.text

    def test_s13_without_its_settings_a_channel_is_off_and_the_server_up(
        self, tmp_path: Path
    ) -> None:
        channel = self.make_disabled(tmp_path, state=SqliteState(tmp_path / "s.db"), say=say)
        with serve(channel, agent=ScriptedAgent()) as server:
            health = requests.get(f"{server.url}/webhooks/{channel.name()}/").json()
            assert health["status"] == "disabled" and "XIAOER_" in health["reason"]
            notify = requests.post(f"{server.url}/webhooks/{channel.name()}/notify")
            assert notify.status_code == 404

    def test_s14_a_stopping_server_ends_its_turns(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        agent = ScriptedAgent({"slow": slow(0.6)})
        with self.talk(tmp_path, agent) as (server, shopper):
            shopper.type("slow")
            shopper.type("and one more")
            until(lambda: bool(agent.said))
            server.stop()
            assert agent.tracker[shopper.sender_id] == ["slow", "and one more"]
        assert "Traceback" not in caplog.text

    # --- the pipeline

    def test_silence_becomes_an_apology(self, tmp_path: Path) -> None:
        agent = ScriptedAgent({"quiet": silence, "静": silence})
        with self.talk(tmp_path, agent) as (_, shopper):
            shopper.type("quiet, I am typing English")
            shopper.type("quiet")
            shopper.waits_for("utter_apology en")
            shopper.type("静")
            shopper.waits_for("utter_apology zh")

    def test_during_a_hand_over_the_bot_may_be_silent(self, tmp_path: Path) -> None:
        agent = ScriptedAgent({"quiet": silence})
        with (
            self.running(tmp_path, agent) as (server, channel),
            self.shopper(server, "anna") as shopper,
        ):
            server.run(channel.hand_over(shopper.sender_id, True))
            shopper.type("quiet")
            until(lambda: agent.tracker[shopper.sender_id] == ["quiet"])
            server.run(self.after_its_turns(channel, shopper.sender_id))
            server.run(channel.hand_over(shopper.sender_id, False))
            shopper.type("heard")
            shopper.waits_for("echo heard")
            assert not any("utter_apology" in line for line in shopper.heard())

    def test_a_failed_turn_becomes_an_apology_and_the_next_works(self, tmp_path: Path) -> None:
        agent = ScriptedAgent({"fail": Unavailable("the database is down")})
        with self.talk(tmp_path, agent) as (_, shopper):
            shopper.type("fail")
            shopper.waits_for("utter_apology")
            shopper.type("works")
            shopper.waits_for("echo works")

    def test_who_waits_too_long_hears_an_apology_and_later_the_answer(self, tmp_path: Path) -> None:
        agent = ScriptedAgent({"slow": slow(0.8, {"text": "your order is cancelled"})})
        with self.talk(tmp_path, agent, turn_deadline=0.2) as (_, shopper):
            shopper.type("slow")
            shopper.type("next")
            heard = shopper.waits_for("utter_apology", "your order is cancelled", "echo next")
            first, *others = [line.split()[0] for line in heard if "utter_welcome" not in line]
            assert first == "utter_apology"
            # On a busy machine the second may be late too.
            assert [word for word in others if word != "utter_apology"] == ["your", "echo"]

    def test_a_turn_without_end_is_given_up(self, tmp_path: Path) -> None:
        agent = ScriptedAgent({"hang": slow(600)})
        short = {"turn_deadline": 0.1, "turn_limit": 0.3}
        with (
            self.running(tmp_path, agent, **short) as (server, channel),
            self.shopper(server, "anna") as shopper,
        ):
            shopper.type("hang")
            until(lambda: bool(agent.said))
            until(lambda: not agent.running)
            assert agent.tracker[shopper.sender_id] == []
            # The next has all the time it needs, on whatever machine.
            channel.limits = replace(channel.limits, turn_deadline=PATIENCE, turn_limit=PATIENCE)
            shopper.type("next")
            shopper.waits_for("utter_apology", "echo next")

    def test_typing_that_cannot_be_stopped_does_not_hold_the_answer(self, tmp_path: Path) -> None:
        async def stubborn(recipient: str, on: bool) -> None:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0.3)

        agent = ScriptedAgent()
        with self.running(tmp_path, agent) as (server, channel):
            channel.typing = stubborn  # type: ignore[method-assign]
            with self.shopper(server, "anna") as shopper:
                for number in range(3):
                    shopper.type(f"number {number}")
                shopper.waits_for("echo number 2")

    def test_a_text_of_2000_characters_is_taken_and_a_longer_one_refused(
        self, tmp_path: Path
    ) -> None:
        agent = ScriptedAgent({"长" * 2000: [{"text": "long enough"}]})
        with self.talk(tmp_path, agent) as (_, shopper):
            shopper.type("长" * 2000)
            shopper.waits_for("long enough")
            shopper.type("长" * 2001)
            shopper.waits_for("utter_too_long zh 2000")
            assert len(agent.said) == 1

    def test_too_many_messages_are_asked_for_a_moment(self, tmp_path: Path) -> None:
        gate = Gate()
        agent = ScriptedAgent({"slow": gate.line})
        with self.talk(tmp_path, agent, message_queue=3) as (_, shopper):
            shopper.type("slow")
            until(lambda: bool(agent.said))
            for number in range(6):
                shopper.type(f"number {number}")
            shopper.waits_for("utter_one_moment")
            gate.open()
            shopper.waits_for("echo number 2")
            assert sum("utter_one_moment" in line for line in shopper.heard()) == 1
            assert agent.texts() == ["slow", "number 0", "number 1", "number 2"]

    def test_a_button_works_once(self, tmp_path: Path, make_state: Callable[[], State]) -> None:
        buttons = [{"title": "Pay", "payload": '/pay{"order": "1"}'}]
        agent = ScriptedAgent({"ask": [{"text": "Sure?", "buttons": buttons}]})
        with self.talk(tmp_path, agent, make_state()) as (_, shopper):
            shopper.type("ask")
            shopper.waits_for("Sure?", "Pay")
            shopper.tap("Pay")
            shopper.waits_for('echo /pay{"order": "1"}')
            shopper.tap("Pay")
            shopper.type("last")
            shopper.waits_for("echo last")
            # The title, understood as if it were typed, or nothing: never the payload again.
            assert [m.text for m in agent.said[2:] if m.text != "last"] in ([], ["Pay"])

    def test_a_button_of_a_failed_turn_works_again(self, tmp_path: Path) -> None:
        buttons = [{"title": "Pay", "payload": "/pay"}]
        agent = ScriptedAgent(
            {"ask": [{"text": "Sure?", "buttons": buttons}], "/pay": Unavailable("down")}
        )
        with self.talk(tmp_path, agent) as (_, shopper):
            shopper.type("ask")
            shopper.waits_for("Sure?")
            shopper.tap("Pay")
            shopper.waits_for("utter_apology")
            del agent.script["/pay"]
            shopper.tap("Pay")
            shopper.waits_for("echo /pay")

    def test_what_a_shopper_said_can_be_erased(self, tmp_path: Path) -> None:
        agent = ScriptedAgent()
        with (
            self.running(tmp_path, agent) as (server, channel),
            self.shopper(server, "anna") as shopper,
        ):
            shopper.type("remember me")
            shopper.waits_for("echo remember me")
            server.run(channel.erase(shopper.sender_id))
            assert agent.erased == [shopper.sender_id]
            assert server.run(channel.state.since(shopper.sender_id, "log")) == []


S = TypeVar("S", bound=State)


def patient(state: S) -> S:
    """A state that gives a busy machine time to answer."""
    state.patience = PATIENCE  # type: ignore[attr-defined]
    return state


def until(happens: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Wait until something happens, or the time is up."""
    deadline = time.monotonic() + seconds
    while not happens() and time.monotonic() < deadline:
        time.sleep(0.01)
