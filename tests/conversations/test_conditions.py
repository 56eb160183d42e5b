"""Rules with a condition on a slot: their action may change it, and the bot must still wait then.

Otherwise no rule fits once the action is done, and a second answer says that nothing was
understood.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

RULES: list[dict[str, Any]] = [
    rule
    for path in sorted(Path("data/rules").glob("*.yml"))
    for rule in YAML(typ="safe").load(path)["rules"]
]
CONDITIONAL = {
    step["action"] for rule in RULES if "condition" in rule for step in rule["steps"][-1:]
}
WAITING = {rule["steps"][0]["action"] for rule in RULES if "intent" not in rule["steps"][0]}


@pytest.mark.parametrize("action", sorted(CONDITIONAL))
def test_after_the_action_of_a_conditional_rule_the_bot_waits_whatever_the_slot_is(
    action: str,
) -> None:
    assert action in WAITING, f"data/rules/ needs a rule whose only step is 'action: {action}'"
