"""The kit's own addresses come from CITATION.cff: on a card once they are set there, nowhere before."""

from __future__ import annotations

import re

import pytest
import tomllib
import yaml

from coig_writer import __version__
from coig_writer.cards import citation
from coig_writer.errors import ConfigError

KITS = re.compile(
    r"https?://(?:[\w-]+\.)*(?:github\.com|gitlab\.com|huggingface\.co|hf\.space)/[\w./-]+"
)
# Addresses of others that pages name.
OTHERS = ("https://github.com/charlesix59/chinese_word_rhyme",)


@pytest.fixture
def stated(tmp_path):
    """Writes a CITATION.cff with further keys; returns its path."""

    def write(**more):
        found = yaml.safe_load(citation.FILE.read_text(encoding="utf-8"))
        file = tmp_path / "CITATION.cff"
        file.write_text(yaml.safe_dump(found | more), encoding="utf-8")
        return file

    return write


def test_the_paper_is_cited_with_all_its_authors():
    text = citation.bibtex().text
    (authors,) = re.findall(r"author = \{(.+)\}", text)
    names = authors.split(" and ")
    assert (len(names), names[0], names[-1]) == (19, "Yunwen Li", "Eli Zhang")
    assert "eprint = {2510.14763}" in text


def test_an_address_stands_on_a_card_once_it_is_set(stated):
    assert citation.links(stated()).text.count("](") == 2
    file = stated(
        **{"repository-code": "https://example.org/kit"},
        contact=[{"email": "kit@example.org"}, {"website": "https://example.org/ask"}],
    )
    text = citation.links(file).text
    assert "[The kit that made this](https://example.org/kit)" in text
    assert "[Contact](mailto:kit@example.org)" in text
    assert "[Contact](https://example.org/ask)" in text


@pytest.mark.parametrize("address", ["http://example.org", "https://a b", "javascript:alert(1)"])
def test_what_is_no_address_is_refused(stated, address):
    with pytest.raises(ConfigError, match="is not an address"):
        citation.links(stated(**{"repository-code": address}))


def test_no_page_invents_an_address(root):
    found = yaml.safe_load(citation.FILE.read_text(encoding="utf-8"))
    known = (*OTHERS, *filter(None, [found.get("repository-code")]))
    pages = [*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob("space/*.md")]
    named = {(p.name, a) for p in pages for a in KITS.findall(p.read_text(encoding="utf-8"))}
    assert [name for name in sorted(named) if not name[1].startswith(known)] == []


def test_pyproject_says_the_same(root):
    found = yaml.safe_load(citation.FILE.read_text(encoding="utf-8"))
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["urls"].get("Repository") == found.get("repository-code")
    assert found["version"] == project["version"] == __version__
    assert project["urls"]["Paper"] == found["preferred-citation"]["url"]
