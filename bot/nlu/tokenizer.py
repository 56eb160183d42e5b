"""Rasa's tokens: the units that the transformer tags, so that no token straddles an entity."""

from typing import Any

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.nlu.tokenizers.tokenizer import Token, Tokenizer
from rasa.shared.nlu.training_data.message import Message

from bot.nlu.units import read


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_TOKENIZER, is_trainable=False)
class ShopTokenizer(Tokenizer):
    """Splits Chinese into characters, all else into words, numbers and signs; no blank tokens."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """All options."""
        return {
            # Rasa's own options, which its base class needs.
            "intent_tokenization_flag": False,
            "intent_split_symbol": "_",
            "token_pattern": None,
            "prefix_separator_symbol": None,
            # Text beyond this many characters is not looked at.
            "max_characters": 512,
        }

    def tokenize(self, message: Message, attribute: str) -> list[Token]:
        """Split the text of an attribute."""
        found = read(message.get(attribute), longest=self._config["max_characters"])
        return [Token(found.original[u.start : u.end], u.start, u.end) for u in found.units]
