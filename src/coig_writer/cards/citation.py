"""Who is cited and where the kit lives, as ``CITATION.cff`` of the checkout says it and no other place.

An address that is not set there is on no card.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from coig_writer import paper
from coig_writer.cards.card import Literal
from coig_writer.errors import ConfigError
from coig_writer.files import read_yaml

FILE = Path(__file__).parents[3] / "CITATION.cff"


def bibtex(file: Path = FILE) -> Literal:
    """Renders the paper as a BibTeX entry with all its authors, in a fenced block."""
    cited = read_yaml(file)["preferred-citation"]
    authors = " and ".join(f"{a['given-names']} {a['family-names']}" for a in cited["authors"])
    fields = {
        "title": f"{{{cited['title']}}}",
        "author": authors,
        "year": str(cited["year"]),
        "eprint": paper.ARXIV_ID,
        "archivePrefix": "arXiv",
        "url": cited["url"],
    }
    lines = ",\n".join(f"  {key} = {{{value}}}" for key, value in fields.items())
    return Literal(f"```bibtex\n@misc{{coigwriter2025,\n{lines}\n}}\n```")


def links(file: Path = FILE) -> Literal:
    """Renders the links of a card on one line: paper, authors' page, and the kit's own addresses that are set."""
    shown = [f"[{name}]({address})" for name, address in _addresses(read_yaml(file), file)]
    return Literal(" · ".join(shown))


def _addresses(stated: Mapping[str, Any], file: Path) -> Iterator[tuple[str, str]]:
    yield f"Paper: arXiv {paper.ARXIV_ID}", f"https://arxiv.org/abs/{paper.ARXIV_ID}"
    yield "The authors' page", paper.PROJECT_PAGE
    if repository := stated.get("repository-code"):
        yield "The kit that made this", _address(repository, file)
    for contact in stated.get("contact", []):
        if website := contact.get("website"):
            yield "Contact", _address(website, file)
        if email := contact.get("email"):
            yield "Contact", f"mailto:{email}"


def _address(text: str, file: Path) -> str:
    if not text.startswith("https://") or set(text) & set(" <>()[]\n"):
        raise ConfigError(f"{file}: {text!r} is not an address", "write https://…")
    return text
