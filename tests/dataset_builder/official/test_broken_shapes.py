"""Files that are broken in all the ways that were thought of: every row is read, or reported with its place."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest

from dataset_builder.official import reader as official_reader
from dataset_builder.official.reader import Reader
from dataset_builder.official.rows import RULES, Checker


def row(name):
    return {"id": name, "query": f"写{name}", "thought": "先想", "answer": f"雪落，{name}。"}


FIRST, MIDDLE, LAST = (
    json.dumps(row(f"row-{name}"), ensure_ascii=False).encode() for name in "abc"
)
HEAD, TAIL = MIDDLE[:40], MIDDLE[40:]


def swapped(old, new):
    assert old.encode() in MIDDLE
    return MIDDLE.replace(old.encode(), new.encode(), 1)


# What stands in the place of the middle row, and whether that row is read nevertheless.
SHAPES = {
    "sound": (MIDDLE, True),
    "last quote lost": (MIDDLE[:-2] + b"}", False),
    "quotation mark lost before a text": (swapped(': "写', ": 写"), False),
    "quotation mark lost after a text": (swapped('row-b", "query', 'row-b, "query'), False),
    "quotation mark lost before a key": (swapped(' "query', " query"), False),
    "quotation mark lost after a key": (swapped('query":', "query:"), False),
    "closing brace lost": (MIDDLE[:-1], False),
    "opening brace lost": (MIDDLE[1:], False),
    "both braces lost": (MIDDLE[1:-1], False),
    "closing brace twice": (MIDDLE + b"}", True),
    "opening brace twice": (b"{" + MIDDLE, True),
    "bracket for the closing brace": (MIDDLE[:-1] + b"]", False),
    "bracket before the closing brace": (MIDDLE[:-1] + b"]}", False),
    "comma between fields lost": (swapped('", "query', '" "query'), False),
    "comma between fields twice": (swapped('", "query', '",, "query'), False),
    "colon lost": (swapped('query":', 'query"'), False),
    "colon twice": (swapped('query":', 'query"::'), False),
    "equals sign for a colon": (swapped('query":', 'query"='), False),
    "trailing comma": (MIDDLE[:-1] + b",}", False),
    "leading comma": (b"{," + MIDDLE[1:], False),
    "single quotes": (MIDDLE.replace(b'"', b"'"), False),
    "full-width quotes": (MIDDLE.replace(b'"', "”".encode()), False),
    "no quotes at all": (MIDDLE.replace(b'"', b""), False),
    "key twice": (swapped('"query"', '"id"'), False),
    "quotation marks in a text": (swapped("先想", '先"想"'), False),
    "a text that ends in a backslash": (swapped("先想", "先想\\"), False),
    "unknown escape": (swapped("先想", "先\\q"), False),
    "escape cut short": (swapped("先想", "先\\u12"), False),
    "half a surrogate pair": (swapped("先想", "先\\ud83d"), False),
    "line feed in a text": (swapped("先想", "先\n想"), True),
    "carriage return in a text": (swapped("先想", "先\r\n想"), True),
    "NUL in a text": (swapped("先想", "先\0想"), True),
    "NUL between fields": (swapped('", "query', '",\0"query'), False),
    "byte that is no UTF-8": (MIDDLE.replace("先".encode(), b"\xff"), False),
    "character cut short": (MIDDLE.replace("先".encode(), b"\xe5\x85"), False),
    "row in GB18030": (MIDDLE.decode().encode("gb18030"), False),
    "NaN for a text": (swapped('"先想"', "NaN"), False),
    "None for a text": (swapped('"先想"', "None"), False),
    "null for a text": (swapped('"先想"', "null"), False),
    "no value": (swapped('"先想"', ""), False),
    "number of five thousand digits": (swapped('"先想"', "9" * 5000), False),
    "comment": (swapped('", "query', '", /* x */ "query'), False),
    "object left open in a value": (swapped('"先想"', '{"a": "b"'), False),
    "list left open in a value": (swapped('"先想"', '["a", "b"'), False),
    "list closed as an object": (swapped('"先想"', '["a"}'), False),
    "list of objects left open": (swapped('"先想"', '[{"a": "b"}, {"a": "b"}'), False),
    "a thousand lists": (swapped('"先想"', "[" * 1000 + "]" * 1000), False),
    "a hundred thousand lists left open": (swapped('"先想"', "[" * 100_000), False),
    "cut in the middle": (HEAD, False),
    "head lost": (TAIL, False),
    "cut in the middle and begun again": (HEAD + MIDDLE, True),
    "halves in the wrong order": (TAIL + HEAD, False),
    "word before": (b"junk " + MIDDLE, True),
    "word after": (MIDDLE + b" junk", True),
    "quotation mark before": (b'"' + MIDDLE, True),
    "quotation mark after": (MIDDLE + b'"', True),
    "byte order mark before": (b"\xef\xbb\xbf" + MIDDLE, True),
    "NUL before": (b"\0" + MIDDLE, True),
    "comma before": (b"," + MIDDLE, True),
    "row twice without a separator": (MIDDLE + MIDDLE, True),
    "row as a text": (json.dumps(MIDDLE.decode()).encode(), False),
    "row in a list": (b"[" + MIDDLE + b"]", True),
    "row in an object": (b'{"row": ' + MIDDLE + b"}", False),
    "row as the value of a row left open": (b'{"row": ' + MIDDLE, False),
    "number": (b"7 ", False),
    "text": (b'"row-b"', False),
    "list": (b'["row-b", "q"]', False),
    "empty object": (b"{}", False),
    "opening brace alone": (b"{", False),
    "closing brace alone": (b"}", False),
    "quotation mark alone": (b'"', False),
    "key alone": (b'{"id"', False),
    "four thousand blanks after an open string": (MIDDLE[:-2] + b" " * 4000, False),
    "four thousand blanks after an open object": (MIDDLE[:-1] + b"\n" * 4000, False),
}
FORMS = {
    "array": (b"[\n", b",\n", b"\n]\n"),
    "lines": (b"", b"\n", b"\n"),
}


def checked(content):
    """Reads and checks a file; returns the ids that are read, and the pieces with their errors."""
    checker, kept, rejected = Checker("test"), [], []
    for piece in Reader(io.BytesIO(content)).pieces():
        outcome = checker.check(piece)
        errors = [p for p in outcome.problems if RULES[p.rule].level == "error"]
        assert (outcome.triplet is None) == bool(errors) or not piece.raw
        assert content[piece.offset : piece.offset + len(piece.raw)] == piece.raw
        if outcome.triplet:
            kept.append(outcome.triplet.id)
        rejected += [(piece, problem) for problem in errors]
    return kept, rejected


def every_row_is_read_or_reported(content, kept, rejected):
    for name in ("row-a", "row-b", "row-c"):
        mentioned = content.count(f'"{name}"'.encode())
        assert kept.count(name) <= 1
        if mentioned and name not in kept:
            assert any(name in (problem.raw or "") for _, problem in rejected), name


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("chunk", [64, 1 << 20])
def test_a_broken_row_between_two_sound_ones(shape, form, chunk, monkeypatch):
    monkeypatch.setattr(official_reader, "CHUNK", chunk)
    opens, between, closes = FORMS[form]
    middle, is_read = SHAPES[shape]
    content = opens + FIRST + between + middle + between + LAST + closes
    kept, rejected = checked(content)
    assert kept == ["row-a", *(["row-b"] if is_read else []), "row-c"]
    every_row_is_read_or_reported(content, kept, rejected)
    if not is_read:
        place = len(opens + FIRST + between)
        assert all(place <= piece.offset < place + len(middle) for piece, _ in rejected)
        assert {piece.number for piece, _ in rejected} >= {2}


WHOLE = {
    "last row cut off": (b"[" + FIRST + b"," + MIDDLE + b"," + HEAD, "ab", "truncated"),
    "end of the array lost": (b"[" + FIRST + b"," + MIDDLE, "ab", "truncated"),
    "start of the array lost": (FIRST + b",\n" + MIDDLE + b"]", "ab", "separator"),
    "two arrays": (b"[" + FIRST + b"]\n[" + MIDDLE + b"]", "ab", "separator"),
    "array, then lines": (b"[" + FIRST + b"]\n" + MIDDLE + b"\n" + LAST, "abc", "separator"),
    "lines, then an array": (FIRST + b"\n[" + MIDDLE + b"," + LAST + b"]", "abc", "separator"),
    "semicolons": (b"[" + FIRST + b";" + MIDDLE + b";" + LAST + b"]", "abc", "stray_text"),
    "no separators": (FIRST + MIDDLE + LAST, "abc", None),
    "commas between lines": (FIRST + b",\n" + MIDDLE + b",\n" + LAST, "abc", "separator"),
    "array in an object": (b'{"data": [' + FIRST + b"," + MIDDLE + b"]}", "", "missing_field"),
    "array in an object cut off": (b'{"data": [' + FIRST + b"," + MIDDLE, "ab", "malformed"),
    "object of rows": (b'{"a": ' + FIRST + b', "b": ' + MIDDLE + b"}", "", "missing_field"),
    "CSV": (b"id,query,thought,answer\nrow-a,q,t,x\n", "", "stray_text"),
    "last line cut off": (FIRST + b"\n" + HEAD, "a", "truncated"),
    "NULs at the end": (FIRST + b"\n" + b"\0" * 500, "a", "stray_text"),
    "a page of an error instead of rows": (b"<html>\n<p>404</p>\n", "", "stray_text"),
}  # fmt: skip


@pytest.mark.parametrize("shape", WHOLE)
def test_a_broken_file(shape):
    content, ids, rule = WHOLE[shape]
    kept, rejected = checked(content)
    assert kept == [f"row-{name}" for name in ids]
    every_row_is_read_or_reported(content, kept, rejected)
    found = {piece.rule for piece in Reader(io.BytesIO(content)).pieces()}
    found |= {problem.rule for _, problem in rejected}
    assert (found == {None}) if rule is None else (rule in found)


LONG = r"""
import io
from dataset_builder.official.reader import Reader
SIZE = 20_000
FILLERS = (
    " ", "\n", "[", "]", "{", "}", ",", ":", "\\", '\\"', '"', "7", "7 ", "\0", "雪", "{ ", '{"', '{"a"', '{"a":',
    '{"a":[', '{"a":[1,', '{"a":{},', '{"a":"b', '{"a":"\\"', '{"a":1,"a":1},', '[{"a":1},',
)
for filler in FILLERS:
    for opening in ("", '{"id":"a', '[{"id":["'):
        content = opening + filler * (SIZE // len(filler))
        list(Reader(io.BytesIO(content.encode())).pieces())
"""


def test_long_fillers_are_read_in_linear_time(root):
    # Seconds where each byte is looked at a few times; hours where each is looked at by each other.
    subprocess.run([sys.executable, "-c", LONG], cwd=root, check=True, timeout=500)


def test_a_broken_piece_is_named_with_the_byte_where_it_breaks():
    content = b"[" + FIRST + b', {"id": row-b}, ' + LAST + b"]"
    ((piece, problem),) = checked(content)[1]
    assert piece.raw == b'{"id": row-b}'
    assert problem.detail == f"13 bytes: Expecting value at byte {content.index(b'row-b')}"


@pytest.mark.parametrize(("levels", "is_read"), [(99, True), (100, False)])
def test_a_hundred_levels_of_nesting_are_the_most(levels, is_read):
    content = b'{"id": "row-a", "x": ' + b"[" * levels + b"]" * levels + b"}"
    (piece,) = Reader(io.BytesIO(content)).pieces()
    assert (piece.row is not None) == is_read
    assert piece.detail == ("" if is_read else "nested deeper than 100 levels")
