"""What the double keeps: repositories with commits, tags, pull requests and LFS objects."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
from typing import Any

import yaml

from coig_writer.hub.licenses import IDS

SDKS = ("gradio", "docker", "static")
LFS_SUFFIXES = (".parquet", ".safetensors", ".whl", ".png", ".npz", ".bin", ".arrow")
LFS_FROM_BYTES = 10 * 2**20


class RefusedError(Exception):
    """An answer other than success."""

    def __init__(self, status: int, message: str, code: str | None = None, url: str = "") -> None:
        super().__init__(message)
        self.status, self.code, self.url = status, code, url


@dataclasses.dataclass(frozen=True)
class Blob:
    """A file's content; LFS content stands under its SHA-256, other content under its git id."""

    content: bytes
    lfs: bool

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def oid(self) -> str:
        data = self.pointer if self.lfs else self.content
        return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()

    @property
    def pointer(self) -> bytes:
        lines = f"oid sha256:{self.sha256}\nsize {len(self.content)}\n"
        return b"version https://git-lfs.github.com/spec/v1\n" + lines.encode()

    @property
    def etag(self) -> str:
        return self.sha256 if self.lfs else self.oid


Tree = dict[str, Blob]


@dataclasses.dataclass
class Repository:
    """Commits by id; ``refs`` maps branches, tags and pull requests to them."""

    kind: str
    name: str
    private: bool = False
    commits: dict[str, Tree] = dataclasses.field(default_factory=dict)
    messages: list[str] = dataclasses.field(default_factory=list)
    refs: dict[str, str] = dataclasses.field(default_factory=dict)
    tags: dict[str, str] = dataclasses.field(default_factory=dict)
    lfs: dict[str, bytes] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        self.refs["main"] = self._keep({".gitattributes": Blob(b"*.parquet lfs\n", False)}, "made")

    @property
    def head(self) -> str:
        return self.refs["main"]

    def resolve(self, revision: str) -> str:
        found = self.refs.get(revision) or self.tags.get(revision)
        if found is None and revision in self.commits:
            found = revision
        if found is None:
            raise RefusedError(404, "Revision not found", "RevisionNotFound")
        return found

    def tree(self, revision: str) -> Tree:
        return self.commits[self.resolve(revision)]

    def commit(self, revision: str, lines: list[dict[str, Any]], *, pull: bool) -> tuple[str, str]:
        """Applies operations to a copy of the tree; nothing is kept unless all of them hold."""
        header = lines[0]["value"]
        base = self.resolve(revision)
        parent = header.get("parentCommit")
        if parent is not None and parent != base:
            raise RefusedError(412, "A commit has happened since. Please refresh and try again.")
        tree = dict(self.commits[base])
        for line in lines[1:]:
            self._apply(tree, line["key"], line["value"])
        if "README.md" in tree:
            problems = card_problems(tree["README.md"].content.decode(), self.kind)
            if problems:
                raise RefusedError(400, "; ".join(problems))
        number = sum(ref.startswith("refs/pr/") for ref in self.refs) + 1
        ref = f"refs/pr/{number}" if pull else revision
        self.refs[ref] = self._keep(tree, header["summary"])
        return self.refs[ref], ref

    def squash(self, branch: str, message: str) -> None:
        """Makes one commit of a branch's history; commits that nothing names any more are gone."""
        tree = self.tree(branch)
        del self.refs[branch]
        named = {*self.refs.values(), *self.tags.values()}
        self.commits = {oid: kept for oid, kept in self.commits.items() if oid in named}
        self.refs[branch] = self._keep(tree, message)

    def _apply(self, tree: Tree, key: str, value: dict[str, Any]) -> None:
        import base64

        path = value["path"]
        if key == "file":
            tree[path] = Blob(base64.b64decode(value["content"]), lfs=False)
        elif key == "lfsFile":
            if value["oid"] not in self.lfs:
                raise RefusedError(400, f"LFS object {value['oid']} of {path} is missing")
            if len(self.lfs[value["oid"]]) != value["size"]:
                raise RefusedError(400, f"{path}: the object has another size")
            tree[path] = Blob(self.lfs[value["oid"]], lfs=True)
        elif key == "deletedFile":
            if path not in tree:
                raise RefusedError(404, "A file with this name doesn't exist", "EntryNotFound")
            del tree[path]
        else:
            raise RefusedError(400, f"unknown operation {key}")

    def _keep(self, tree: Tree, message: str) -> str:
        self.messages.append(message)
        text = json.dumps([len(self.messages), sorted((p, b.oid) for p, b in tree.items())])
        oid = hashlib.sha1(text.encode()).hexdigest()
        self.commits[oid] = tree
        return oid

    def store(self, oid: str, size: int, content: bytes) -> None:
        if hashlib.sha256(content).hexdigest() != oid or len(content) != size:
            raise RefusedError(400, "the object's SHA-256 or size is not the announced one")
        self.lfs[oid] = content


def travels_as_lfs(path: str, size: int) -> bool:
    return path.endswith(LFS_SUFFIXES) or size > LFS_FROM_BYTES


def card_problems(text: str, kind: str) -> list[str]:
    """Returns what the Hub refuses in a card's metadata."""
    if not text.startswith("---\n"):
        return []
    try:
        metadata = yaml.safe_load(text[4:].split("\n---", 1)[0]) or {}
    except yaml.YAMLError as error:
        return [f"not YAML: {error}"]
    found = []
    license_id = metadata.get("license")
    if license_id is not None and license_id not in IDS:
        found.append(f'"license" must be one of the known ids, not {license_id}')
    configs = metadata.get("configs") or []
    names = [c.get("config_name") for c in configs]
    if kind == "dataset" and any(names.count(n) > 1 for n in names):
        found.append("duplicate config_name")
    if kind == "dataset" and sum(bool(c.get("default")) for c in configs) > 1:
        found.append("more than one default config")
    if kind == "space" and metadata.get("sdk") not in SDKS:
        found.append('"sdk" must be gradio, docker or static')
    return found


def listing(tree: Tree) -> list[dict[str, Any]]:
    """Renders a tree as the Hub lists it: folders, then files, each with its hashes."""
    folders = {
        "/".join(parts[:n]) for p in tree for parts in [p.split("/")] for n in range(1, len(parts))
    }
    rows: list[dict[str, Any]] = [
        {"type": "directory", "path": f, "oid": "0" * 40, "size": 0} for f in sorted(folders)
    ]
    for path, blob in sorted(itertools.chain(tree.items())):
        row = {"type": "file", "path": path, "oid": blob.oid, "size": len(blob.content)}
        if blob.lfs:
            row["lfs"] = {
                "oid": blob.sha256,
                "size": len(blob.content),
                "pointerSize": len(blob.pointer),
            }
        rows.append(row)
    return rows
