"""Files as spreadsheets write them: encodings, separators, and cells that would run."""

from __future__ import annotations

import pytest

from coig_writer.errors import InputError, shown
from coig_writer.tables import encoding, spreadsheet

TEXT = "标题,正文\n山,雾还没有散去，老街上响起脚步声。\n"


@pytest.mark.parametrize(
    ("codec", "text", "name"),
    [
        ("utf-8", TEXT, "UTF-8"),
        ("utf-8-sig", TEXT, "UTF-8 with BOM"),
        ("utf-16", TEXT, "UTF-16"),
        ("utf-16-le", TEXT, "UTF-16"),
        ("utf-16-be", TEXT, "UTF-16"),
        ("gb18030", TEXT, "GB18030"),
        ("gb18030", "标题,正文\n山,水😀\n", "GB18030"),
        ("gb18030", "id,标题\n1,山\n", "GB18030"),  # four characters: too few for statistics
        ("big5", "標題,正文\n山,霧還沒有散去\n", "Big5"),
    ],
)
def test_the_encoding_is_found_and_nothing_is_lost(tmp_path, codec, text, name):
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode(codec))
    found = encoding.detect(path)
    assert found.name == name
    with found.open(path) as handle:
        assert handle.read() == text


def test_a_broken_byte_is_no_other_encoding(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(TEXT.encode() * 3 + b"\xff,x\n")
    found = encoding.detect(path)
    assert found.name == "UTF-8, damaged"
    *_, (line, row) = spreadsheet.open_table(path).rows()
    assert (line, row) == (7, {"标题": "\udcff", "正文": "x"})
    path.write_bytes("title\ncafé déjà vu\n".encode("latin-1"))
    with pytest.raises(InputError, match="byte 9 is not UTF-8"):
        encoding.detect(path)


@pytest.mark.parametrize("mark", [b"", b"\xff\xfe"], ids=["without mark", "with mark"])
def test_half_a_character_at_the_end_is_no_utf_16(tmp_path, mark):
    (tmp_path / "texts.csv").write_bytes(mark + "a,b\n".encode("utf-16-le"))
    assert encoding.detect(tmp_path / "texts.csv").name == "UTF-16"
    (tmp_path / "texts.csv").write_bytes(mark + "a,b\n".encode("utf-16-le") + b"\x01")
    with pytest.raises(InputError, match=f"byte {len(mark) + 8} is not UTF-16"):
        encoding.detect(tmp_path / "texts.csv")


@pytest.mark.parametrize(("rare", "readable"), [(12, True), (13, False)])
def test_half_of_the_characters_are_everyday_ones(tmp_path, rare, readable):
    """GB2312's first level holds 山, its second 黯: 12 of 24 are everyday ones, or 12 of 25."""
    path = tmp_path / "a.txt"
    path.write_bytes(("山" * 12 + "黯" * rare).encode("gb18030"))
    if readable:
        assert encoding.detect(path).name == "GB18030"
    else:
        with pytest.raises(InputError, match="byte 24 is not UTF-8"):
            encoding.detect(path)


@pytest.mark.parametrize(("whole", "readable"), [(95, True), (94, False)])
def test_a_twentieth_may_be_broken(tmp_path, whole, readable):
    """Five bytes that no encoding knows: 5 of 100 characters beyond ASCII, or 5 of 99."""
    path = tmp_path / "a.txt"
    path.write_bytes(("霧" * whole).encode() + b"\xff" * 5)
    if readable:
        assert encoding.detect(path) == encoding.DAMAGED
    else:
        with pytest.raises(InputError, match=f"byte {3 * whole} is not UTF-8"):
            encoding.detect(path)


def test_the_broken_byte_is_counted_over_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(encoding, "SAMPLE", 4)
    path = tmp_path / "a.txt"
    path.write_bytes("春天春天".encode() + b"\xe6\x98")
    assert encoding._first_broken(path, "utf-8") == 12


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separators_index_columns_and_trailing_separators(tmp_path, separator):
    path = tmp_path / "a.csv"
    lines = ["sep=;", "Unnamed: 0,text, likes ,,", '0,"一,二；三",15,,', ",,,,", "1,四,,,"]
    path.write_text("\r\n".join(lines[separator != ";" :]).replace(",", separator), "utf-8")
    rows = [row for _, row in spreadsheet.open_table(path).rows()]
    joined = "一,二；三".replace(",", separator)
    assert rows == [
        {"Unnamed: 0": "0", "text": joined, "likes": "15"},
        {"Unnamed: 0": "1", "text": "四", "likes": ""},
    ]


@pytest.mark.parametrize("row", ["a,b,c", "a"])
def test_a_row_of_another_width_is_told(tmp_path, row):
    path = tmp_path / "a.csv"
    path.write_text(f"text,likes\n{row}\n", "utf-8")
    ((_, told),) = spreadsheet.open_table(path).rows()
    assert isinstance(told, str)
    assert told.endswith("the header has 2 columns")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+86 散文", "'+86 散文"),
        ("-破折", "'-破折"),
        ("@某人", "'@某人"),
        ("'=1", "''=1"),
        ("'引'", "'引'"),
        ("-1.5", "-1.5"),
        ("散文", "散文"),
    ],
)
def test_what_would_run_is_text_and_comes_back_as_it_was(tmp_path, text, written):
    path = tmp_path / "a.csv"
    spreadsheet.write(path, ["id", "note"], [{"id": "a", "note": text}])
    assert path.read_bytes() == f"\ufeffid,note\r\na,{written}\r\n".encode()
    assert [row for _, row in spreadsheet.open_table(path).rows()] == [{"id": "a", "note": text}]


def test_control_characters_reach_no_file_and_no_terminal():
    assert spreadsheet.cell("a\x1b[31mb\x00\u202ec\n") == "a[31mb" + "c\n"
    assert shown("a\x1b[31m\ud800 春\n") == "a\\x1b[31m\\ud800 春\n"


def test_a_stray_zero_byte_makes_no_utf_16_of_a_file(tmp_path):
    path = tmp_path / "raw.csv"
    for text, name in (
        ("text,title\n灯亮着，雨还在下。\0,雨夜\n", "UTF-8"),
        ("text,title\nrain\0,night\n", "UTF-8"),
    ):
        path.write_bytes(text.encode())
        assert encoding.detect(path).name == name
    path.write_bytes("text,title\nrain,night\n".encode("utf-16-le"))  # is UTF-8 too
    assert encoding.detect(path).name == "UTF-16"
