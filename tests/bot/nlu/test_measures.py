"""Measures, on answers whose scores can be counted by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.nlu.evaluate import RowsError, main, read_rows
from bot.nlu.examples import Mark
from bot.nlu.measures import Row, Said, measure


def said(intent: str, confidence: float = 1.0, marks: tuple[Mark, ...] = (), oos=0.0) -> Said:
    return Said(intent, confidence, oos, marks, seconds=0.002)


def test_accuracy_and_macro_f1_by_language() -> None:
    rows = [Row("a", ("x",), "zh"), Row("b", ("y",), "zh"), Row("c", ("x",), "en")]
    result = measure(rows, [said("x"), said("x"), said("x")])
    assert result["accuracy"] == pytest.approx(0.6667)
    assert result["by_lang"]["zh"]["accuracy"] == 0.5
    assert result["by_lang"]["en"]["accuracy"] == 1.0
    # x: precision 2/3, recall 1, F1 0.8; y: 0.
    assert result["macro_f1"] == 0.4


def test_any_of_several_intents_is_right() -> None:
    assert measure([Row("a", ("x", "y"), "zh")], [said("y")])["accuracy"] == 1.0


def test_entities_count_by_exact_span_and_with_product_and_category_merged() -> None:
    wanted = (Mark("category", 0, 2), Mark("color", 3, 5))
    found = (Mark("product", 0, 2), Mark("color", 3, 6))
    result = measure([Row("abcdefg", ("x",), "zh", wanted)], [said("x", marks=found)])
    assert result["entity_f1"] == 0.0
    assert result["entity_f1_product_and_category_merged"] == 0.5
    assert result["entities"]["color"]["support"] == 1


def test_rows_without_entities_do_not_count_for_them() -> None:
    result = measure([Row("a", ("x",), "zh")], [said("x", marks=(Mark("color", 0, 1),))])
    assert "entity_f1" not in result


def test_out_of_scope_area_with_a_tie() -> None:
    rows = [Row("a", ("out_of_scope",), "zh")] * 2 + [Row("b", ("x",), "zh")] * 2
    answers = [said("x", oos=0.9), said("x", oos=0.5), said("x", oos=0.5), said("x", oos=0.1)]
    assert measure(rows, answers)["out_of_scope_auroc"] == 0.875
    assert "out_of_scope_auroc" not in measure(rows[2:], answers[2:])


def test_calibration_error_is_the_gap_between_sure_and_right() -> None:
    rows = [Row("a", ("x",), "zh")] * 2
    assert measure(rows, [said("x", 0.9), said("y", 0.9)])["calibration_error"] == 0.4


def test_rows_are_read_from_both_formats(tmp_path: Path) -> None:
    entity = {"entity": "color", "value": "红", "start": 0, "end": 1}
    row = {"text": "红", "intent": "inform", "lang": "zh", "entities": [entity]}
    (tmp_path / "a.jsonl").write_text(json.dumps(row) + "\n\n", encoding="utf-8")
    (tmp_path / "a.tsv").write_text("where is it\ttrack|check\n退货\treturn\n", encoding="utf-8")
    assert read_rows(tmp_path / "a.jsonl") == [Row("红", ("inform",), "zh", (Mark("color", 0, 1),))]
    assert read_rows(tmp_path / "a.tsv") == [
        Row("where is it", ("track", "check"), "en"),
        Row("退货", ("return",), "zh"),
    ]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", '{"text": "x"}', "line 1: KeyError"),
        ("a.jsonl", "{", "line 1"),
        ("a.tsv", "ok\tx\nno tab", "line 2"),
        ("a.tsv", "", "holds no message"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(RowsError, match=message):
        read_rows(tmp_path / name)


def test_the_command_says_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "no.tsv"), "--json"]) == 1
    (tmp_path / "a.tsv").write_text("hi\tgreet", encoding="utf-8")
    assert main([str(tmp_path / "a.tsv"), "--json", "--model", str(tmp_path)]) == 1
    captured = capsys.readouterr()
    assert captured.out == "" and "make train" in captured.err
