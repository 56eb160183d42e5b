"""Show how a message is understood, and why.

    python -m bot.nlu.explain "帮我查一下 order 20231105001"
    python -m bot.nlu.explain "where is my parcel" --html var/explain.html

The ranking and the entities as the bot sees them, and how much each word spoke for the first intent
(or another: --intent), by integrated gradients (Sundararajan et al. 2017, arXiv:1703.01365). Needs
the extra `train`.
"""

from __future__ import annotations

import argparse
import asyncio
import html
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bot.nlu.agent import loaded
from bot.nlu.archive import NoModelError, newest, unpacked
from bot.nlu.attribution import Attribution, Explainer
from shop.errors import EncoderError, SettingsError
from shop.text import encoder

METHOD = "integrated gradients (Sundararajan, Taly and Yan 2017, arXiv:1703.01365)"


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m bot.nlu.explain", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("text")
    parser.add_argument("--intent", help="explain this one instead of the first")
    parser.add_argument("--html", type=Path, help="also write a page")
    parser.add_argument("--model", type=Path, default=Path("models"), help="archive or folder")
    options = parser.parse_args(arguments)
    try:
        archive = newest(options.model)
        with loaded(archive) as agent:
            parsed: dict[str, Any] = asyncio.run(agent.parse_message(options.text))
        with unpacked(archive) as folder:
            explainer = Explainer(folder, encoder.settings().encoder_folder)
        intent = options.intent or _first(parsed)
        if intent not in explainer.intents:
            print(f"there is nothing to explain: the intent is {intent}", file=sys.stderr)
            return 1
        attribution = explainer.explain(options.text, intent)
    except (NoModelError, EncoderError, SettingsError) as error:
        print(error, file=sys.stderr)
        return 1
    print(as_text(parsed, attribution, colour=sys.stdout.isatty()))
    if options.html:
        options.html.parent.mkdir(parents=True, exist_ok=True)
        options.html.write_text(as_html(parsed, attribution), encoding="utf-8")
        print(f"written to {options.html}")
    return 0


def _first(parsed: dict[str, Any]) -> str | None:
    """The transformer's first intent, also where the fallback stands before it."""
    for entry in parsed.get("intent_ranking", []):
        if entry["name"] != "nlu_fallback":
            name: str = entry["name"]
            return name
    return None


def as_text(parsed: dict[str, Any], attribution: Attribution | None, *, colour: bool) -> str:
    """For the terminal: ranking, entities, and a bar a word."""
    lines = ["intents"]
    for entry in parsed.get("intent_ranking", [])[:5]:
        bar = "█" * round(entry["confidence"] * 30)
        lines.append(f"  {entry['confidence']:6.3f}  {entry['name']:24} {bar}")
    lines.append("entities")
    for entity in parsed.get("entities", []):
        place = f"{entity['start']}-{entity['end']}"
        lines.append(f"  {entity['entity']:16} {entity['value']}  ({place})")
    if not parsed.get("entities"):
        lines.append("  none")
    if attribution is not None:
        lines.append(f"why {attribution.intent}: {METHOD}")
        most = max(map(abs, attribution.parts)) or 1.0
        for word, part in _words(attribution):
            bar = ("+" if part > 0 else "-") * round(abs(part) / most * 30)
            if colour:
                bar = f"\033[{32 if part > 0 else 31}m{bar}\033[0m"
            lines.append(f"  {part:+7.3f}  {word}  {bar}")
        lines.append(f"  (the parts miss the whole by {attribution.gap:.1%})")
    return "\n".join(lines)


def as_html(parsed: dict[str, Any], attribution: Attribution | None) -> str:
    """The same as a page of its own."""
    ranking = "".join(
        f"<tr><td>{html.escape(e['name'])}</td><td>{e['confidence']:.3f}</td>"
        f"<td><meter value='{e['confidence']:.3f}'></meter></td></tr>"
        for e in parsed.get("intent_ranking", [])
    )
    entities = "".join(
        f"<tr><td>{html.escape(e['entity'])}</td><td>{html.escape(e['value'])}</td>"
        f"<td>{e['start']}-{e['end']}</td></tr>"
        for e in parsed.get("entities", [])
    )
    why = ""
    if attribution is not None:
        why = f"<h2>Why {html.escape(attribution.intent)}</h2><p class='words'>"
        why += f"{_shaded(attribution)}</p><p>Green spoke for it, red against it. {METHOD}; "
        why += f"the parts miss the whole by {attribution.gap:.1%}.</p>"
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>How a message is understood</title>
<style>
body {{ font: 16px/1.5 system-ui, "Noto Sans CJK SC", sans-serif; margin: 2rem auto;
  max-width: 50rem; padding: 0 1rem; color: #222; background: #fff }}
td, th {{ padding: .2rem .8rem; text-align: left; border-bottom: 1px solid #ddd }}
.words {{ font-size: 1.4rem }} .words span {{ border-radius: .2rem; padding: .1rem }}
</style>
<h1>{html.escape(str(parsed.get("text", "")))}</h1>
{why}
<h2>Intents</h2><table>{ranking}</table>
<h2>Entities</h2><table>{entities or "<tr><td>none</td></tr>"}</table>
</html>
"""


def _words(attribution: Attribution) -> list[tuple[str, float]]:
    units = attribution.read.units
    return [
        (attribution.read.original[unit.start : unit.end], part)
        for unit, part in zip(units, attribution.parts, strict=False)
    ]


def _shaded(attribution: Attribution) -> str:
    """The message with every unit's background as strong as its part."""
    most = max(map(abs, attribution.parts)) or 1.0
    text, done, shaded = attribution.read.original, 0, ""
    for unit, part in zip(attribution.read.units, attribution.parts, strict=False):
        shaded += html.escape(text[done : unit.start])
        colour = "0,150,60" if part > 0 else "210,40,40"
        style = f"background:rgba({colour},{abs(part) / most * 0.7:.2f})"
        word = html.escape(text[unit.start : unit.end])
        shaded += f'<span style="{style}" title="{part:+.3f}">{word}</span>'
        done = unit.end
    return shaded + html.escape(text[done:])


if __name__ == "__main__":
    raise SystemExit(main())
