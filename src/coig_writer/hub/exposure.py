"""Secrets and paths of a machine, wherever a release could carry them: names, texts, rows, headers, pictures, archives."""

from __future__ import annotations

import bisect
import bz2
import contextlib
import gzip
import html
import io
import lzma
import re
import struct
import unicodedata
import urllib.parse
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

from coig_writer.errors import InputError
from coig_writer.files import read_rows
from coig_writer.hub.problem import Problem
from coig_writer.hub.release import File

if TYPE_CHECKING:
    import pyarrow as pa

# ASCII throughout: a Chinese character before a token is no part of its word. Every repeat is bounded, or
# ends at a character that its class excludes, so that no text makes the search slow.
_KINDS = {
    "a Hugging Face token": r"\bhf_[A-Za-z0-9]{30,}|\bapi_org_[A-Za-z0-9]{30,}",
    "a GitHub token": r"\bgh[pousr]_[A-Za-z0-9]{36}|\bgithub_pat_\w{22}",
    "a GitLab token": r"\bgl(?:pat|dt|rt|cbt|ptt|ft|soat|agent)-[\w-]{20}",
    "a Google key": r"\bAIza[\w-]{35}|\bGOCSPX-[\w-]{28}|\bya29\.[\w-]{20}",
    "an API key": r"\bsk-(?=[\w-]{0,60}\d)[\w-]{20}|\b[rs]k_(?:live|test)_\w{16}|\bgsk_\w{40}|\br8_\w{30}|\bnvapi-[\w-]{40}",
    "an AWS key": r"\bA(?:KI|SI)A[0-9A-Z]{16}\b|(?i:aws_secret_access_key)\W{1,5}[A-Za-z0-9/+=]{40}",
    "an Alibaba Cloud key": r"\bLTAI[A-Za-z0-9]{12,30}\b",
    "a Tencent Cloud key": r"\bAKID[A-Za-z0-9]{32}\b",
    "a Slack token": r"\bxox[abeprs]-[\w-]{10}|hooks\.slack\.com/services/T\w{1,20}/B\w{1,20}/\w",
    "a package index's token": r"\bpypi-[\w-]{50}|\bnpm_[A-Za-z0-9]{36}\b",
    "a signed web token": r"\beyJ[\w-]{10,2000}\.eyJ[\w-]{10,2000}\.[\w-]{10}",
    "a private key": r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY|\bAGE-SECRET-KEY-1\w{50}",
    "a password in a URL": r"\b[a-z][a-z0-9+.]{1,20}://[^\s/:@\"'<>]{1,80}:(?!(?i:\w{0,5}password)@)[^\s/@\"'<>{}$]{6,200}@"
    r"|\b[a-z][a-z0-9+.]{1,20}://[\w-]{20,200}@\w",
    "a chat robot's address": r"discord(?:app)?\.com/api/webhooks/\d{5,25}/\w|\boapi\.dingtalk\.com/robot/send\?access_token=\w"
    r"|\bopen\.(?:feishu\.cn|larksuite\.com)/open-apis/bot/v\d/hook/\w|\bqyapi\.weixin\.qq\.com/cgi-bin/webhook/send\?key=\w"
    r"|\b\d{8,10}:AA[\w-]{33}",
    "a service's key": r"\bSG\.[\w-]{20,24}\.[\w-]{40}|\bdckr_pat_[\w-]{20}|\bdo[opr]_v1_[0-9a-f]{60}|\bAKLT\w{30}|\bms-[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}"
    r"|\blin_api_\w{30}|\bntn_\w{40}|\bpplx-\w{40}|\bxai-\w{60}|\bdapi[0-9a-f]{32}|\bvercel_blob_rw_\w{20}|\bSK[0-9a-f]{32}\b|\bAccountKey=[\w+/]{40}",
    "a bearer's header": r"\b[Bb]earer\s{1,3}(?=\S{0,200}\d)[\w.~+/-]{20}",
    "an invitation": r"[?&](?:invite|operator)=[\w-]{22}(?![\w-])",
    "a secret setting": r"(?<![A-Za-z0-9])(?i:password|passwd|secret(?:[_-]?key)?|token|(?:api|access)[_-]?key)"
    r"[\"']?(?:\s{0,3}[:=]\s{0,3}|\s)[\"']?(?=[\w&!@#$%^*.+/-]{0,200}\d)(?=[\w&!@#$%^*.+/-]{0,200}[A-Za-z])[\w&!@#$%^*.+/-]{16}",
}
SECRETS: Mapping[str, re.Pattern[str]] = {
    what: re.compile(pattern, re.ASCII) for what, pattern in _KINDS.items()
}
_NAMES = re.compile(
    r"\.env(?:rc|\..*)?|.+\.env|(?:\.|.+[_-])?(?:secrets?|passwords?|passwd|api[_-]?keys?)(?:\.\w+)?|[._]netrc|\.pypirc|\.npmrc|\.git-credentials|credentials(?:\.\w+)?"
    r"|id_(?:rsa|dsa|ecdsa|ed25519)|.*\.(?:pem|key|p12|pfx|kdbx|ovpn|ppk|jks|keystore)|(?:\w+_)?token(?:\.\w+)?|\.htpasswd|\.pgpass"
    r"|\.dockercfg|\.?kubeconfig|service[-_]account.*\.json|rclone\.conf|\.(?:bash|zsh|python)_history|wallet\.dat",
    re.IGNORECASE,
)
_HIDDEN = frozenset((".ssh", ".aws", ".azure", ".gnupg", ".kube", ".docker", ".huggingface"))
_DATABASE = re.compile(r".*\.(?:db|duckdb|sqlite3?)(?:-(?:wal|shm|journal))?", re.IGNORECASE)
SQLITE = b"SQLite format 3\0"
# What is before the slash is asked after it: a pattern that opens with a letter is found thirty times as fast.
_BEFORE = r"/(?<![A-Za-z0-9_.]/)"
_HOME = (
    r"(?:mnt/[a-z]/)?(?:home|Users|gpfs|lustre|nfs|scratch|workspace)/[\w.-]{1,64}/"
    r"|(?:mnt/[a-z]/)?(?:home|Users)/[\w.-]{1,64}(?=[\"':\n]|\Z)|root/[\w.-]{1,64}"
)
_PLACEHOLDERS = ("/home/user/", "/home/username/", "/Users/username/")  # of manuals; nobody's
_WINDOWS = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]:\\{1,2}Users\\{1,2}[^\\\s]{1,64}\\")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))")
_SPACES = frozenset("nrtbf")
# Cyrillic and Greek letters that look like Latin ones.
_LOOKALIKES = str.maketrans(
    "аеорсхуіјѕһԁԛԝАВЕКМНОРСТХУІЈЅαονιρΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "aeopcxyijshdqwABEKMHOPCTXYIJSaovipABEZHIKMNOPTYX",
)
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
MAX_UNPACKED = 256 * 2**20  # of one archive's member; what a release needs is far smaller
MAX_NESTED = 3  # archives in archives
_OPENERS: Mapping[bytes, Callable[[IO[bytes]], io.BufferedIOBase]] = {
    b"\x1f\x8b": lambda packed: gzip.GzipFile(fileobj=packed),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\0": lzma.LZMAFile,
}
_CLOSED = (b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07")  # Zstandard, 7-Zip, RAR
_PNG = b"\x89PNG\r\n\x1a\n"


def problems(file: File) -> Iterator[Problem]:
    """Yields every secret and every path of a machine in a file, each with its line or row; never the secret."""
    place = PurePosixPath(file.path)
    yield from _named(place)
    with file.source.open("rb") as handle:
        start = handle.read(len(SQLITE))
    if start == SQLITE or _DATABASE.fullmatch(place.name):
        yield Problem(
            file.path,
            "is a database, such as the arena keeps ballots in",
            "export it: python space/app.py export",
        )
        return
    try:
        for where, text in texts(file.source, file.path):
            if where.startswith(f"{file.path}/"):
                yield from _named(PurePosixPath(where))
                if text.startswith(SQLITE.decode()):
                    yield Problem(where, "is a database", "take it out")
            yield from _found(where, text)
    except (
        InputError,
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        EOFError,
        OSError,
        NotImplementedError,  # a method of packing that Python lacks
        RuntimeError,  # a member with a password
    ):
        yield Problem(file.path, "cannot be read to look for secrets", "make the file again")


def _named(place: PurePosixPath) -> Iterator[Problem]:
    """Yields what is wrong with the name of a file, or of an archive's member."""
    if _NAMES.fullmatch(place.name) or _HIDDEN.intersection(place.parts[:-1]):
        yield Problem(str(place), "has the name of a secret", "take it out")
    for what, pattern in SECRETS.items():
        if pattern.search(str(place)):
            shown = pattern.sub("…", str(place))
            yield Problem(shown, f"has {what} in its name", "rename it, and revoke it")


def _found(where: str, text: str) -> Iterator[Problem]:
    """Yields each kind once per place; looked for in the text as it is and as a reader would restore it."""
    seen: set[tuple[int, str, str]] = set()
    for form in dict.fromkeys((text.replace("\0", " "), _restored(text))):
        matches = [(m.start(), what, "") for what, p in SECRETS.items() for m in p.finditer(form)]
        matches += [(m.start(), "", m.group()) for m in _paths(form)]
        ends = [m.start() for m in re.finditer("\n", form)] if matches else []
        seen.update((bisect.bisect(ends, at) + 1, what, path) for at, what, path in matches)
    for line, what, path in sorted(seen):
        place = where if " row " in where else f"{where} line {line}"
        if what:
            yield Problem(place, f"holds {what}", "remove it, and revoke it where it was issued")
        else:
            yield Problem(place, f"names a path of this machine, {path}…", "remove it")


def _restored(text: str) -> str:
    """Returns a text with its escapes resolved, its letters as the Latin ones they look like, and without what is unseen.

    Zero bytes go too, so that the letters of UTF-16 are side by side.
    """
    text = _ESCAPE.sub(_unescaped, text.replace("\0", ""))
    for mark, resolved in (("&", html.unescape), ("%", urllib.parse.unquote)):
        if mark in text:  # line by line, as a resolved line feed would move the lines after it
            text = "\n".join(resolved(line).replace("\n", " ") for line in text.split("\n"))
    if text.isascii():
        return text
    return unicodedata.normalize("NFKC", _UNSEEN.sub("", text)).translate(_LOOKALIKES)


def _unescaped(match: re.Match[str]) -> str:
    """Resolves an escape of JSON; one that stands for white space becomes a space, so that lines stay."""
    if match[1]:
        return chr(int(match[1], 16))
    return " " if match[2] in _SPACES else match[2]


def _paths(text: str) -> Iterator[re.Match[str]]:
    """Yields what looks like a path of a machine, and this machine's own working folders."""
    here = sorted({str(Path.home()), str(Path.cwd())})
    own = [
        rf"{re.escape(path[1:])}(?![A-Za-z0-9_])"
        for path in here
        if path[0] == "/" and len(path) > 5
    ]
    for match in re.finditer(_BEFORE + f"(?:{'|'.join([_HOME, *own])})", text):
        if match.group() not in _PLACEHOLDERS:
            yield match
    if ":\\" in text:
        yield from _WINDOWS.finditer(text)


def texts(source: Path, path: str) -> Iterator[tuple[str, str]]:
    """Yields the texts of a file with their places: rows of Parquet, headers of weights, members of archives.

    Raises:
        InputError: It is Parquet and broken.
        zipfile.BadZipFile, zlib.error, EOFError, OSError: It is a broken archive, or cannot be read.
    """
    if path.endswith(".parquet"):
        yield f"{path} metadata", _schema(source)
        for number, (_, row) in enumerate(read_rows(source), 1):
            yield f"{path} row {number}", "\n".join(_strings(row))
    elif path.endswith(".safetensors"):
        with source.open("rb") as handle:
            (size,) = struct.unpack("<Q", handle.read(8).ljust(8, b"\0"))
            yield f"{path} header", _decoded(handle.read(min(size, MAX_UNPACKED)))
    else:
        yield from _unpacked(path, source.read_bytes())


def _unpacked(path: str, content: bytes, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yields the texts of a file's bytes, whatever its name: of an archive those of its members."""
    opener = next((o for start, o in _OPENERS.items() if content.startswith(start)), None)
    if depth > MAX_NESTED or content.startswith(_CLOSED):
        raise EOFError(path)
    if opener:
        with opener(io.BytesIO(content)) as handle:
            yield from _unpacked(path, _read(handle), depth + 1)
    elif zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield f"{path} comment", _decoded(archive.comment)
            for member in archive.infolist():
                with archive.open(member) as handle:
                    yield from _unpacked(f"{path}/{member.filename}", _read(handle), depth + 1)
    else:
        yield path, _decoded(content)
        if content.startswith(_PNG):
            yield f"{path} text", "\n".join(map(_decoded, _packed_texts(content)))


def _read(handle: io.BufferedIOBase | IO[bytes]) -> bytes:
    """Reads what is packed; more than ``MAX_UNPACKED`` is an EOFError, so that nothing goes out unread."""
    content = handle.read(MAX_UNPACKED + 1)
    if len(content) > MAX_UNPACKED:
        raise EOFError
    return content


def _packed_texts(content: bytes) -> Iterator[bytes]:
    """Yields the compressed texts of a PNG (its specification, 11.3.3); others are seen in its bytes."""
    at = len(_PNG)
    while at + 8 <= len(content):
        size, kind = struct.unpack(">I4s", content[at : at + 8])
        rest = content[at + 8 : at + 8 + size].partition(b"\0")[2]
        if kind == b"iTXt" and rest[:1] == b"\1":
            text = rest[2:].split(b"\0", 2)[-1]  # after flag, method, language, translated keyword
            yield zlib.decompressobj().decompress(text, MAX_UNPACKED)
        elif kind == b"zTXt":
            yield zlib.decompressobj().decompress(rest[1:], MAX_UNPACKED)
        at += size + 12


def _decoded(content: bytes) -> str:
    return content.decode("utf-8", "replace")


def _schema(source: Path) -> str:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with contextlib.suppress(pa.ArrowInvalid, OSError):
        schema = pq.read_schema(source)
        kept = [*(schema.metadata or {}).items(), *_metadata(schema)]
        return "\n".join([*schema.names, *(_decoded(v) for pair in kept for v in pair)])
    return ""


def _metadata(fields: Iterable[pa.Field]) -> Iterator[tuple[bytes, bytes]]:
    """Yields what a schema says of its fields, nested ones too."""
    for field in fields:
        yield from (field.metadata or {}).items()
        yield from _metadata(field.type.field(n) for n in range(field.type.num_fields))


def _strings(value: object) -> Iterator[str]:
    """Yields every text inside a row, nested or in bytes."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes):
        yield _decoded(value)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _strings(key)
            yield from _strings(inner)
    elif isinstance(value, Sequence):
        for inner in value:
            yield from _strings(inner)
