"""Keeps the designers' sentences out of training.

Rasa takes `responses:` under data/ as training data of the NLU: one edited word would train it
again. This importer, named in config.yml, hands the domain the names of the responses that rules
and stories say, and nothing else: what is said is read by `bot.nlg` while the bot runs, and what
actions say is checked by `tests/actions/test_base.py`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from rasa.shared.core.domain import Domain
from rasa.shared.importers.rasa import RasaFileImporter

from bot.responses import FOLDER, Responses

NAMED_RESPONSE = re.compile(r"action:\s*['\"]?(utter_\w+)")


class ShopImporter(RasaFileImporter):
    """Rasa's own importer, with the responses merged into the domain only."""

    def __init__(
        self,
        config_file: str | None = None,
        domain_path: str | None = None,
        training_data_paths: list[str] | str | None = None,
        **kwargs: Any,
    ) -> None:
        """See the parent class."""
        super().__init__(config_file, domain_path, training_data_paths)
        nlu_files: list[str] = self._nlu_files  # type: ignore[has-type]
        self._nlu_files = [path for path in nlu_files if not _holds_responses(path)]

    def get_domain(self) -> Domain:
        """The domain with a placeholder for each response, the same whatever the sentences are.

        A response that no file has stays out, so that Rasa reports the rule that names it.
        """
        files = [Path(path) for path in {*self._story_files, *self._conversation_test_files}]
        named = {name for file in files for name in NAMED_RESPONSE.findall(file.read_text("utf-8"))}
        placeholders = {name: [{"text": name}] for name in sorted(named & set(Responses(FOLDER)))}
        return super().get_domain().merge(Domain.from_dict({"responses": placeholders}))


def _holds_responses(path: str) -> bool:
    return FOLDER.resolve() in Path(path).resolve().parents
