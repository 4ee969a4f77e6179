"""The command form: rows in, verdicts and a page out."""

import json

import pytest

from coig_writer import command_line
from coig_writer.errors import InputError
from eval_tasks import form
from eval_tasks.__main__ import GROUP
from eval_tasks.form.page import page

ROWS = [
    {"id": 1, "text": "白日依山尽，大河入海流。欲穷千里目，更上一层楼。", "form": "五言绝句"},
    {"text": "春眠不觉晓，处处闻啼鸟。夜来风雨声，花落知多少。"},
    {"text": "海阔凭鱼跃，天高任鸟飞。", "form": "对联", "forbidden": ["<b>"], "sections": []},
]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "texts.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    return path


def test_command(file, tmp_path, capsys):
    out, html = tmp_path / "out.json", tmp_path / "pages" / "out.html"
    words = ["form", str(file), "--json", str(out), "--html", str(html)]
    command_line.run(GROUP, words)
    found = json.loads(out.read_text(encoding="utf-8"))
    assert [(v["form"], v["passes"]) for v in found] == [("五言绝句", False), (None, None), ("对联", True)]  # fmt: skip
    broken = [rule for rule in found[0]["rules"] if rule["state"] == "broken"]
    assert [(r["name"], r["places"]) for r in broken] == [("孤平", [[2, 1], [2, 3]])]
    assert "第2句第1字" in broken[0]["zh"]
    assert "line 2 character 1" in broken[0]["en"]
    assert "broken     第2句第1字“大”" in capsys.readouterr().out
    assert html.read_text(encoding="utf-8").count("<section>") == 3


def test_the_page_escapes_and_marks(file):
    shown = page(form.check(file))
    assert '<span class="c broken" title="平 / 仄">大' in shown
    assert "&lt;b&gt;" in shown
    assert "<b>”" not in shown
    assert "http" not in shown  # nothing is loaded


def test_a_form_that_nobody_knows_names_its_row(tmp_path):
    path = tmp_path / "texts.jsonl"
    path.write_text('{"text": "好", "form": "五言"}\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"texts\.jsonl.*1.*unknown form"):
        form.check(path)


def test_a_row_without_a_text_is_an_error(tmp_path):
    path = tmp_path / "texts.jsonl"
    path.write_text('{"form": "五绝"}\n', encoding="utf-8")
    with pytest.raises(InputError, match="text"):
        form.check(path)


def test_a_forbidden_word_marks_no_character_of_the_verse(tmp_path):
    path = tmp_path / "texts.jsonl"
    path.write_text(
        '{"text": "白日依山尽，黄河入海流。欲穷千里目，更上一层楼。", "form": "五绝", "forbidden": ["日"]}\n',
        encoding="utf-8",
    )
    (found,) = form.check(path)
    assert found.passes is False
    assert "c broken" not in page([found])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "holds no text"),
        ('{"text": "好", "forbidden": [""]}', "empty string"),
        ('{"text": 5}', "text"),
        ('{"text": "好", "form": "rhyme:1"}', "unknown form"),
        ('{"text": "好", "form": "藏头:ab"}', "unknown form"),
    ],
)
def test_what_cannot_be_checked_is_an_error(tmp_path, content, said):
    path = tmp_path / "texts.jsonl"
    path.write_text(content and content + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=said):
        form.check(path)


def test_half_a_surrogate_pair_is_read_past(tmp_path):
    path = tmp_path / "texts.jsonl"
    path.write_text('{"text": "\\ud800白"}\n', encoding="utf-8")
    assert form.check(path)[0].passes is None
