"""What must not go out is found wherever it lies, named with its place and never repeated."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import sqlite3
import struct
import zipfile
import zlib
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from coig_writer.hub import exposure
from coig_writer.hub.release import read_file

TOKEN = "hf_" + "a1B2" * 9
HOME = "/home/someone/data/"
SECRETS = {
    "a Hugging Face token": TOKEN,
    "a GitHub token": "ghp_" + "a1" * 18,
    "a GitLab token": "glpat-" + "a1B_" * 5,
    "a Google key": "AIza" + "Sy-_1" * 7,
    "an invitation": "https://example.org/?invite=" + "aB3-_" * 4 + "xy",
    "an API key": "sk-proj-" + "a1" * 12,
    "an AWS key": "AKIA" + "Z9" * 8,
    "an Alibaba Cloud key": "LTAI" + "a1B2" * 5,
    "a Tencent Cloud key": "AKID" + "a1B2" * 8,
    "a Slack token": "xoxb-" + "1" * 12,
    "a package index's token": "pypi-" + "Ag1_" * 15,
    "a signed web token": ".".join(["eyJ" + "a" * 12, "eyJ" + "b" * 12, "c" * 12]),
    "a private key": "-----BEGIN OPENSSH PRIVATE KEY-----",
    "a password in a URL": "postgresql+psycopg://writer:hunter22@db/votes",
    "a chat robot's address": "https://open.feishu.cn/open-apis/bot/v2/hook/" + "0a" * 16,
    "a service's key": "SG." + "a1B2" * 5 + "ab." + "a1B2" * 11,
    "a bearer's header": "Authorization: Bearer " + "a1B2" * 9,
    "a secret setting": "ARENA_SECRET=" + "0123456789abcdef",
}


def found(file, name=None):
    """The problems of one file, under the name it has in the release."""
    return [str(p).split("\n")[0] for p in exposure.problems(read_file(file, name or file.name))]


def write(folder, text, name="notes.txt"):
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


@pytest.mark.parametrize("what", SECRETS)
def test_every_kind_is_found_beside_chinese_and_never_repeated(tmp_path, what):
    (told,) = found(write(tmp_path, f"第一行\n密钥{SECRETS[what]}。"))
    assert told == f"notes.txt line 2: holds {what}"


def test_every_kind_is_named_here():
    assert set(SECRETS) == set(exposure.SECRETS)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("github_pat_" + "A1b2_" * 10, "a GitHub token"),
        ("machine x login y password " + "0a" * 20, "a secret setting"),
        ("api_key: " + "0a" * 8, "a secret setting"),
        ('{"password": "Tr0ub4dor&3horse"}', "a secret setting"),
        (
            "https://oapi.dingtalk.com/robot/send?access_token=" + "0a" * 16,
            "a chat robot's address",
        ),
        ("123456789:AA" + "a1B_" * 8 + "x", "a chat robot's address"),
        ("AccountKey=" + "a1B+" * 10, "a service's key"),
        ("AKLT" + "a1B2" * 8, "a service's key"),
        ("ms-01234567-89ab-cdef-0123-456789abcdef", "a service's key"),
        ('SECRET_KEY = "' + "a1B2" * 5, "a secret setting"),
        ("https://me:hunter2password1@example.org", "a password in a URL"),
        ("在/mnt/c/Users/someone/x 里", "names a path of this machine"),
        ("/scratch/someone/run", "names a path of this machine"),
        ("aws_secret_access_key = " + "a1/+" * 10, "an AWS key"),
        (json.dumps("x\n" + TOKEN), "a Hugging Face token"),  # \\n before it is no letter n
        ("\\u0068f_" + "a1B2" * 9, "a Hugging Face token"),
        (f"读自{HOME}x.json", "names a path of this machine, /home/someone/"),
        (json.dumps("C:\\Users\\某人\\x"), "names a path of this machine"),
        ("saved in /root/.cache", "names a path of this machine, /root/.cache"),
        (json.dumps({"cwd": "/home/someone"}), "names a path of this machine, /home/someone"),
        ("HOME=/Users/someone\n", "names a path of this machine, /Users/someone"),
        ("url = https://" + "0a" * 20 + "@github.com/x/y.git", "a password in a URL"),
        (TOKEN[:9] + "\u200b" + TOKEN[9:20] + "\u00ad" + TOKEN[20:], "a Hugging Face token"),
        ("".join(chr(ord(c) + 0xFEE0) for c in TOKEN), "a Hugging Face token"),  # full width
        (TOKEN.replace("a", "а"), "a Hugging Face token"),  # Cyrillic а
        ("hf%5F" + TOKEN[3:] + " hf&#95;" + TOKEN[3:], "a Hugging Face token"),
        ("made by\0" + TOKEN, "a Hugging Face token"),
    ],
)
def test_other_forms(tmp_path, text, what):
    assert any(what in told for told in found(write(tmp_path, text)))


def test_a_resolved_line_feed_moves_no_line(tmp_path):
    text = f"a%0Ab&#10;c\n{TOKEN}\nhf%5F{TOKEN[3:]}"
    assert found(write(tmp_path, text)) == [
        f"notes.txt line {line}: holds a Hugging Face token" for line in (2, 3)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "他问我：sk-是什么？risk-taking 与 task-oriented-work 并不相同。",
        "https://example.org/home/page/1 和 ~/notes，还有 and/or/home/away/",
        "hf_transfer, hf_hub_download(repo_id), ghp_ 开头的令牌, AIza 开头的钥匙",
        "postgresql+psycopg://USER:PASSWORD_HERE",
        "EOS_TOKEN = <|endoftext|>, HF_TOKEN=…",
        "password: correcthorsebattery, token: 151643, api_key: YOUR_API_KEY_IS_HERE",
        "API_KEY=YOUR_API_KEY_IS_HERE, OPENROUTER_API_KEY = 'OPENROUTER_API_KEY'",
        "postgresql://username:password@server:5432/db, smb://me:MyPassword@host/share",
        '<label class="sk-toggleable__label sk-toggleable__label-arrow">',
        "文件在 /home/user/app/data 里；/home/username/x",
        "a bearer of the-standard-in-his-time, Bearer token of the king",
    ],
)
def test_what_only_looks_like_it(tmp_path, text):
    assert found(write(tmp_path, text)) == []


def test_samples_and_queries_of_the_kit_hold_nothing(root):
    files = [
        *(root / "dataset_builder" / "sample" / "triplets").glob("*.txt"),
        *(root / "recipes" / "sample").glob("*.jsonl"),
        *(root / "src" / "coig_writer" / "data").glob("*.json*"),
        *(root / "space" / "data").glob("*.jsonl"),
    ]
    assert len(files) > 50
    assert [told for file in files for told in found(file)] == []


def test_all_of_them_are_named_row_by_row(tmp_path):
    rows: list[dict[str, Any]] = [{"id": str(n), "turns": [{"text": "月光"}]} for n in range(1000)]
    rows[2]["turns"][0]["text"] = f"first line\n{TOKEN}"
    rows[899]["turns"][0]["text"] = f"在{HOME}里，{SECRETS['a GitLab token']}"
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "x.parquet")
    assert found(tmp_path / "x.parquet") == [
        "x.parquet row 3: holds a Hugging Face token",
        "x.parquet row 900: names a path of this machine, /home/someone/…",
        "x.parquet row 900: holds a GitLab token",
    ]


def packed(name, text):
    """A text in the archive that a name asks for."""
    if name.endswith((".gz", ".bz2", ".xz")):
        pack = {"gz": gzip, "bz2": bz2, "xz": lzma}[name.rpartition(".")[2]].compress
        return pack(text)
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", text)
    return held.getvalue()


@pytest.mark.parametrize("name", ["a.gz", "a.bz2", "a.xz", "a.zip"])
def test_archives_are_looked_into_whatever_their_name_and_within_one_another(tmp_path, name):
    file = write(tmp_path, "", "innocent.bin")
    file.write_bytes(packed(name, TOKEN.encode()))
    assert "holds a Hugging Face token" in found(file)[0]
    file.write_bytes(packed("outer.zip", packed(name, TOKEN.encode())))
    assert "innocent.bin/a.txt" in found(file)[0]
    assert "holds a Hugging Face token" in found(file)[0]
    file.write_bytes(packed(name, b"nothing"))
    assert found(file) == []


def test_what_cannot_be_unpacked_is_refused(tmp_path, monkeypatch):
    file = write(tmp_path, "", "x.zst")
    file.write_bytes(b"\x28\xb5\x2f\xfd" + b"0" * 20)
    assert found(file) == ["x.zst: cannot be read to look for secrets"]
    deep = b"nothing"
    for _ in range(exposure.MAX_NESTED):
        deep = packed("x.gz", deep)
    file.write_bytes(deep)
    assert found(file) == []
    file.write_bytes(packed("x.gz", deep))
    assert found(file) == ["x.zst: cannot be read to look for secrets"]
    monkeypatch.setattr(exposure, "MAX_UNPACKED", 100)
    file.write_bytes(packed("x.gz", b"0" * 100))
    assert found(file) == []
    file.write_bytes(packed("x.gz", b"0" * 101))
    assert found(file) == ["x.zst: cannot be read to look for secrets"]


def test_members_of_archives_have_names_and_may_be_databases(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("home/.env", "x")
        archive.writestr("votes.bin", exposure.SQLITE)
        archive.comment = TOKEN.encode()
    assert found(tmp_path / "x.zip") == [
        "x.zip comment line 1: holds a Hugging Face token",
        "x.zip/home/.env: has the name of a secret",
        "x.zip/votes.bin: is a database",
    ]


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + b"\0" * 4


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (b"tEXt", b"Comment\0" + TOKEN.encode()),
        (b"zTXt", b"Comment\0\0" + zlib.compress(TOKEN.encode())),
        (b"iTXt", b"Comment\0\0\0zh\0\0" + TOKEN.encode()),
        (b"iTXt", b"Comment\0\1\0zh\0\0" + zlib.compress(TOKEN.encode())),
    ],
)
def test_texts_of_pictures_are_read(tmp_path, kind, data):
    file = write(tmp_path, "", "x.png")
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(kind, data) + chunk(b"IEND", b""))
    assert any("holds a Hugging Face token" in told for told in found(file))


def test_what_a_schema_says_of_its_fields_is_read(tmp_path):
    inner = pa.field("text", pa.string(), metadata={"made": TOKEN})
    schema = pa.schema([pa.field("turns", pa.list_(pa.struct([inner])))])
    pq.write_table(pa.table({"turns": [[{"text": "月光"}]]}, schema), tmp_path / "x.parquet")
    assert "x.parquet metadata" in found(tmp_path / "x.parquet")[0]


def test_a_secret_in_a_name_is_not_repeated(tmp_path):
    file = write(tmp_path, "x")
    assert found(file, f"data/{TOKEN}/x.md") == [
        "data/…/x.md: has a Hugging Face token in its name"
    ]


def test_metadata_headers_and_archives_are_looked_into(tmp_path):
    table = pa.table({"id": ["a"]}).replace_schema_metadata({"made": f"{HOME}x"})
    pq.write_table(table, tmp_path / "x.parquet")
    header = json.dumps({"__metadata__": {"from": f"{HOME}x"}}).encode()
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(struct.pack("<Q", len(header)) + header)
    with zipfile.ZipFile(tmp_path / "kit.whl", "w") as archive:
        archive.writestr("kit/settings.py", TOKEN)
    (tmp_path / "log.gz").write_bytes(gzip.compress(TOKEN.encode()))
    write(tmp_path, "").write_bytes(f"x {TOKEN}".encode("utf-16"))
    assert "x.parquet metadata line" in found(tmp_path / "x.parquet")[0]
    assert "model.safetensors header" in found(weights)[0]
    assert "kit.whl/kit/settings.py line 1: holds" in found(tmp_path / "kit.whl")[0]
    assert found(tmp_path / "log.gz")
    assert found(tmp_path / "notes.txt")
    (tmp_path / "log.gz").write_bytes(gzip.compress(TOKEN.encode())[:20])
    assert "cannot be read to look for secrets" in found(tmp_path / "log.gz")[0]


@pytest.mark.parametrize(
    "name",
    [
        ".env",
        ".env.local",
        "secret",
        "secrets.json",
        ".netrc",
        "id_ed25519",
        "server.pem",
        "token",
        "prod.env",
        "client_secret.json",
        "hf_token",
        ".pgpass",
        ".bash_history",
        ".envrc",
        "my-secrets.txt",
        "passwords.txt",
        "openai_api_key",
        ".ssh/config",
    ],
)
def test_names_of_secrets(tmp_path, name):
    assert found(write(tmp_path, "x"), name) == [f"{name}: has the name of a secret"]


@pytest.mark.parametrize(
    "name",
    [
        "secretary.md",
        "tokenizer.json",
        "special_tokens_map.json",
        "added_tokens.json",
        "passwordless.md",
        "environment.md",
        "keys.md",
    ],
)
def test_names_of_other_files(tmp_path, name):
    assert found(write(tmp_path, "x", name)) == []


def test_a_ballots_database_is_refused_under_any_name(tmp_path):
    with sqlite3.connect(tmp_path / "innocent.json") as database:
        database.execute("CREATE TABLE ballots (id)")
    database.close()
    assert "is a database" in found(tmp_path / "innocent.json")[0]
    assert "is a database" in found(write(tmp_path, "", "votes.sqlite3-wal"))[0]


def test_this_machines_own_folders_are_found_beside_chinese_too(tmp_path, monkeypatch):
    own = tmp_path / "own"
    own.mkdir()
    monkeypatch.chdir(own)
    file = write(tmp_path, f"第一行\n在{own}里\n{own}ed\nx{own}")
    assert found(file) == [f"notes.txt line 2: names a path of this machine, {own}…"]


def test_the_lines_of_many_findings_are_not_counted_from_the_top_each_time(tmp_path):
    told = found(write(tmp_path, ("x" * 200 + f" {HOME}\n") * 20_000))
    assert len(told) == 20_000
    assert told[-1].startswith("notes.txt line 20000: ")


def test_no_text_makes_the_search_slow(tmp_path):
    hostile = "a+a." * 50_000 + "eyJ-" * 50_000 + "A_" * 50_000 + "://a:" * 20_000
    assert found(write(tmp_path, hostile)) == []
