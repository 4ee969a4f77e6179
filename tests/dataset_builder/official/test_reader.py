from __future__ import annotations

import io
import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coig_writer.errors import InputError
from dataset_builder.official import reader as import_reader
from dataset_builder.official.reader import Reader
from dataset_builder.official.rows import Checker

ROWS = [
    {"id": "甲-1", "query": '写"雪"\\n', "thought": "先想\n再想", "answer": "雪落。\t无声"},
    {"id": "b-2", "query": "q [x] {y}", "thought": 'plain "quoted" text', "answer": "a, b: c"},
    {"id": "c-3", "query": "写雨", "thought": '{"id": "不是行"}', "answer": "雨\u2028下"},
    {"id": "d-4", "query": "写风", "thought": "想风", "answer": "风起，🌬，天青"},
]
FORMS = {
    "array": lambda rows: json.dumps(rows, ensure_ascii=False, indent=2),
    "compact": lambda rows: json.dumps(rows, separators=(",", ":")),
    "lines": lambda rows: "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows),
    "pretty lines": lambda rows: "\n".join(json.dumps(r, ensure_ascii=False, indent=1) for r in rows),
}  # fmt: skip


def pieces(content: bytes):
    return list(Reader(io.BytesIO(content)).pieces())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("chunk", [1, 7, 1 << 20])
def test_every_form_gives_the_rows(form, chunk, monkeypatch):
    monkeypatch.setattr(import_reader, "CHUNK", chunk)
    found = pieces(FORMS[form](ROWS).encode())
    assert [p.row for p in found] == ROWS
    assert [p.number for p in found] == [1, 2, 3, 4]
    assert not [p for p in found if p.rule]


@given(
    st.lists(st.dictionaries(st.text(), st.text() | st.integers() | st.none(), min_size=1)),
    st.sampled_from(sorted(FORMS)),
)
def test_any_flat_rows_come_back(rows, form):
    content = FORMS[form](rows).encode("utf-8", "surrogatepass")
    if b"\xed" not in content:  # lone surrogates are tested by name below
        assert [p.row for p in pieces(content)] == rows


def broken(content):
    return [(p.number, p.rule) for p in pieces(content.encode()) if p.rule]


@pytest.mark.parametrize(
    ("content", "problems", "ids"),
    [
        ('[{"id":"a"},{"id":"b}, {"id":"c"}]', [(2, "malformed")], "ac"),
        ('[{"id":"a"}{"id":"b"}]', [(2, "separator")], "ab"),
        ('[{"id":"a"},,{"id":"b"},]', [(2, "separator"), (3, "separator")], "ab"),
        ('[{"id":"a","q":"x",{"id":"b"}]', [(1, "malformed")], "b"),
        ('[{"id":"a","id":"b"}]', [(1, "malformed")], ""),
        ('[{"id":"a"},{"id":"b"', [(2, "truncated")], "a"),
        ('[{"id":"a"},{"id":"b"}', [(3, "truncated")], "ab"),
        ('{"id":"a"}\n{"id":"b\n{"id":"c"}\n', [(2, "malformed")], "ac"),
        ('{"id":"a"}\n3\n"x"\nnull\n', [(n, "not_an_object") for n in (2, 3, 4)], "a"),
        ('{"id":"a"}\n哈哈 junk {"id":"b"}\n', [(2, "stray_text")], "ab"),
        ("[" * 300 + '{"id":"a"}', [(1, "separator"), (2, "truncated")], "a"),
        ('{"id":' + "[" * 300 + "\n", [(1, "malformed")], ""),
        ('{"id":' + "9" * 5000 + "}\n", [(1, "malformed")], ""),
    ],
)  # fmt: skip
def test_a_broken_row_is_named_and_its_neighbours_are_read(content, problems, ids):
    assert broken(content) == problems
    rows = [p.row for p in pieces(content.encode()) if p.row]
    assert [r["id"] for r in rows] == list(ids)


def test_a_byte_order_mark_is_passed_and_utf_16_refused():
    reader = Reader(io.BytesIO(b"\xef\xbb\xbf" + FORMS["array"](ROWS).encode()))
    assert [p.row for p in reader.pieces()] == ROWS
    assert reader.had_bom
    with pytest.raises(InputError, match="UTF-16"):
        pieces(FORMS["array"](ROWS).encode("utf-16"))


def test_a_row_without_end_is_named_and_memory_stays_bounded(monkeypatch):
    monkeypatch.setattr(import_reader, "CHUNK", 100)
    monkeypatch.setattr(import_reader, "LONGEST_ROW", 1000)
    with pytest.raises(InputError, match="row 2, byte 11: no end within"):
        pieces(b'{"id":"a"}\n{"id":"' + "长".encode() * 5000)


def pieces_unless_utf_16(content: bytes):
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return None
    return pieces(content)


JUNK = [b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"\n", b"\0", b"\xff", b"\xe9\x9b", b"NaN",
        b'{"id":', b'"}', b'\\"', "雪".encode(), b"\xef\xbb\xbf", b"\\ud800"]  # fmt: skip


def mutated(content: bytes, draw: random.Random) -> tuple[bytes, int, int]:
    """One mutation; returns the new content and the range of the old that it touched."""
    start = draw.randrange(len(content))
    end = min(len(content), start + draw.choice([1, 1, 2, 5, 40]))
    kind = draw.choice(["replace", "insert", "delete", "flip", "cut", "copy"])
    if kind == "cut":
        return content[:start], start, len(content)
    new = {
        "replace": draw.choice(JUNK),
        "insert": draw.choice(JUNK) + content[start:end],
        "delete": b"",
        "flip": bytes(b ^ (1 << draw.randrange(8)) for b in content[start:end]),
        "copy": content[start:end] * 2,
    }[kind]
    return content[:start] + new + content[end:], start, end


def spans(content: bytes):
    return [(p.offset, p.offset + len(p.raw), p.row) for p in pieces(content)]


@pytest.mark.parametrize("form", FORMS)
def test_ten_thousand_mutated_files_lose_no_row(form, monkeypatch):
    content = FORMS[form](ROWS).encode()
    originals = spans(content)
    draw = random.Random(form)
    for trial in range(2500):
        monkeypatch.setattr(import_reader, "CHUNK", draw.choice([16, 1 << 16]))
        damaged, start, end = mutated(content, draw)
        found = pieces_unless_utf_16(damaged)
        if found is None:
            continue
        _nothing_is_passed_over(damaged, found)
        kept = [p.row for p in found if p.row is not None]
        for first, last, row in originals:
            # Only what touches the row, or the separator beside it, may cost the row.
            if end <= first - 8 or start >= last + 4:
                assert row in kept, (trial, damaged)
        checker = Checker("test")
        for piece in found:
            outcome = checker.check(piece)
            assert outcome.triplet or outcome.problems


def _nothing_is_passed_over(content: bytes, found) -> None:
    at = 0
    for piece in found:
        between = content[at : piece.offset]
        assert not between.strip(b"\xef\xbb\xbf \t\r\n,[]"), content
        assert content[piece.offset : piece.offset + len(piece.raw)] == piece.raw
        at = piece.offset + len(piece.raw)
    assert not content[at:].strip(b"\xef\xbb\xbf \t\r\n,[]"), content


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_any_bytes_end_in_pieces_or_one_sentence(content):
    found = pieces_unless_utf_16(content)
    if found is not None:
        _nothing_is_passed_over(content, found)
