"""Picks and fills the sentence: the generator of endpoints.yml, and `say` for the channels."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from rasa.core.nlg.generator import NaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig

from bot.filling import Filling
from bot.responses import FOLDER, Responses, Variation
from shop.settings import ShopSettings, read
from shop.text.language import Turn, of_conversation
from shop.text.words import Words, shop_words

Message = dict[str, Any]


class Speaker:
    """Says responses by name in a language, on a channel."""

    def __init__(self, responses: Responses, words: Words, settings: ShopSettings) -> None:
        self._responses = responses
        self._words = words
        self._settings = settings
        self._random = random.Random()

    def say(
        self,
        name: str,
        *,
        lang: str,
        channel: str = "",
        values: Mapping[str, Any] | None = None,
        slots: dict[str, Any] | None = None,
    ) -> Message | None:
        """One message in Rasa's form (text, buttons, elements …); None when the name is unknown.

        Args:
            name: of the response, `utter_…`.
            lang: `zh` or `en`.
            channel: name of the output channel, for variations made for it.
            values: what the response's placeholders stand for.
            slots: for `condition:`; placeholders reach them too, `values` first.
        """
        self._responses.refresh()
        fitting = self._responses.eligible(name, lang=lang, channel=channel, slots=slots)
        if not fitting:
            return None
        filling = Filling(
            lang=lang,
            word=self._words.say,
            timezone=self._settings.timezone,
            currency=self._settings.currency,
        )
        known = {**(slots or {}), **(values or {})}
        return _message(self._random.choice(fitting), filling, known)


class ResponseGenerator(NaturalLanguageGenerator):
    """Rasa's seam: language from the conversation, values from the action that speaks."""

    def __init__(self, endpoint_config: EndpointConfig, domain: Domain) -> None:
        self._speaker = speaker()

    async def generate(
        self,
        utter_action: str,
        tracker: DialogueStateTracker,
        output_channel: str,
        **kwargs: Any,
    ) -> Message | None:
        """See the parent class. Actions pass their values under the key `values`."""
        return self._speaker.say(
            utter_action,
            lang=language_of(tracker),
            channel=output_channel,
            values=kwargs.get("values") or {},
            slots=tracker.current_slot_values(),
        )


@lru_cache(maxsize=1)
def speaker() -> Speaker:
    """The speaker of this process, on the project's own files."""
    return Speaker(Responses(FOLDER), shop_words(), read(ShopSettings))


def say(name: str, lang: str, channel: str, **values: Any) -> Message:
    """What a channel itself has to say: an apology, a limit. An unknown name is a bug: KeyError."""
    message = speaker().say(name, lang=lang, channel=channel, values=values)
    if message is None:
        raise KeyError(f"data/responses/ has no response {name}")
    return message


def language_of(tracker: DialogueStateTracker) -> str:
    """The language to answer in; see `shop.text.language` for the rule."""
    turns = [_turn(event) for event in tracker.events if isinstance(event, UserUttered)]
    return of_conversation(turns, default=read(ShopSettings).default_language)


def _turn(event: UserUttered) -> Turn:
    metadata = event.metadata or {}
    text = event.text or ""
    typed = metadata.get("typed", not text.startswith("/"))
    return Turn(text=text if typed else None, lang=metadata.get("lang"))


def _message(variation: Variation, filling: Filling, values: Mapping[str, Any]) -> Message:
    message: Message = {}
    lines = [filling.fill(variation["text"].rstrip(), values)] if "text" in variation else []
    if "items" in variation:
        lines += [
            filling.fill(item["text"], known) for item, known in _each(variation["items"], values)
        ]
    if lines:
        message["text"] = "\n".join(lines)
    if "buttons" in variation:
        message["buttons"] = _buttons(variation["buttons"], filling, values)
    if "cards" in variation:
        message["elements"] = [
            {
                **filling.fill(
                    {k: v for k, v in card.items() if k not in ("buttons", "each")}, known
                ),
                "buttons": _buttons(card.get("buttons", []), filling, known),
            }
            for template in variation["cards"]
            for card, known in _each(template, values)
        ]
    for key in ("image", "custom"):
        if key in variation:
            message[key] = filling.fill(variation[key], values)
    return message


def _buttons(
    templates: list[dict[str, Any]], filling: Filling, values: Mapping[str, Any]
) -> list[dict[str, str]]:
    buttons = []
    for template in templates:
        for button, known in _each(template, values):
            made = {"title": filling.fill(button["title"], known)}
            if "url" in button:
                made["url"] = filling.fill(button["url"], known)
            else:
                made["payload"] = filling.fill(button["payload"], known)
                entities = filling.fill(button.get("entities", {}), known)
                if entities:
                    made["payload"] += json.dumps(entities, ensure_ascii=False)
            buttons.append(made)
    return buttons


def _each(
    template: dict[str, Any], values: Mapping[str, Any]
) -> list[tuple[dict[str, Any], Mapping[str, Any]]]:
    """The template once, or once for each element of the list that `each:` names."""
    if "each" not in template:
        return [(template, values)]
    return [(template, {**values, **element}) for element in values.get(template["each"]) or []]
