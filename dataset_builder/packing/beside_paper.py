"""The recomputed statistics beside the published ones, cell by cell (Tables 5–10 of the paper).

Both readings of the category means are shown: Table 5 as printed, and the means that follow from
the genre tables; the printed ones of the five categories with several genres contradict those.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from coig_writer import paper
from coig_writer.cards import card
from coig_writer.cards.card import Literal
from coig_writer.facts import Fact
from coig_writer.paper import Lengths
from coig_writer.taxonomy import Taxonomy

PARTS = ("article", "prompt", "reasoning")
NUMBERS = ("min", "mean", "max")


@dataclasses.dataclass(frozen=True, slots=True)
class Cell:
    """One number of a table, twice or three times.

    Attributes:
        name: ``rows`` or, for example, ``article/mean``.
        measured: Recomputed; None where the group has no row.
        printed: As the paper prints it.
        weighted: A category mean as it follows from the genre tables; None elsewhere.
    """

    name: str
    measured: Fact | None
    printed: Fact
    weighted: Fact | None = None

    @property
    def agrees(self) -> bool:
        """Tells whether the recomputed number rounds to the printed one."""
        if self.measured is None:
            return False
        printed, measured = float(self.printed.value), float(self.measured.value)
        # Counts, minima and maxima are whole; some means are printed whole, others to two places,
        # where both sides may have been rounded.
        mean = self.name.endswith("mean")
        tolerance = (0.5 if printed == int(printed) else 0.011) if mean else 0.0
        return abs(measured - printed) <= tolerance

    def __str__(self) -> str:
        shown = [_shown(fact) for fact in (self.measured, self.printed, self.weighted) if fact]
        text = " / ".join(shown if self.measured else ["no row", *shown])
        return text if self.agrees else f"**{text}**"


def _shown(fact: Fact) -> str:
    """Formats as the paper does: whole, or with two places; a card's four digits would hide a row."""
    value = float(fact.value)
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"


def cells(group: str, facts: Mapping[str, Fact]) -> list[Cell]:
    """Compares one group.

    Args:
        group: ``overall``, ``category/SLUG`` or ``genre/SLUG``, with published numbers.
        facts: The recomputed statistics.
    """
    table = _published(group)
    compared = [Cell("rows", facts.get(f"{group}/rows"), _printed(group, "rows", table.count))]
    for part in PARTS:
        for number in NUMBERS:
            name = f"{part}/{number}"
            value = getattr(getattr(table, part), number)
            weighted = _weighted(group, part) if number == "mean" else None
            compared.append(
                Cell(name, facts.get(f"{group}/{name}"), _printed(group, name, value), weighted)
            )
    return compared


def _published(group: str) -> Lengths:
    kind, _, slug = group.rpartition("/")
    table = paper.genres()[slug] if kind == "genre" else paper.TABLE_5[slug]
    if table is None:
        raise KeyError(group)
    return table


def _printed(group: str, name: str, value: float) -> Fact:
    return Fact(f"paper/{group}/{name}", value)


def _weighted(group: str, part: str) -> Fact | None:
    """Returns the mean that follows from the genre tables, for groups of several genres."""
    kind, _, slug = group.rpartition("/")
    if kind == "genre" or slug in ("poetry", "script"):
        return None
    return Fact(f"paper/{group}/{part}/weighted", round(paper.category_means(part)[slug], 2))


def groups(taxonomy: Taxonomy) -> tuple[list[str], list[str]]:
    """Returns the groups of Table 5 and those of Tables 6–10, in the taxonomy's order."""
    table_5 = [f"category/{c.slug}" for c in taxonomy.categories if c.slug in paper.TABLE_5]
    with_rows = [f"genre/{g.slug}" for g in taxonomy.genres if paper.genres().get(g.slug)]
    return ["overall", *table_5], with_rows


def table(which: Sequence[str], facts: Mapping[str, Fact]) -> Literal:
    """Renders groups as a table of ``recomputed / printed``, in bold where they differ."""
    header = ("Config", "Rows", *(f"{part} {number}" for part in PARTS for number in NUMBERS))
    rows: list[tuple[Fact | Literal | str, ...]] = [
        (_name(group), *(Literal(str(cell)) for cell in cells(group, facts))) for group in which
    ]
    return card.table(header, rows)


def _name(group: str) -> Literal:
    slug = group.rpartition("/")[2]
    return Literal(f"`{'default' if slug == 'overall' else slug}`")


def deviations(which: Sequence[str], facts: Mapping[str, Fact]) -> Literal:
    """Lists, for each group, the cells that differ."""
    rows: list[tuple[Fact | Literal | str, ...]] = []
    for group in which:
        differing = [cell for cell in cells(group, facts) if not cell.agrees]
        if differing:
            text = "; ".join(
                f"{cell.name.replace('/', ' ')} {str(cell).strip('*')}" for cell in differing
            )
            rows.append((_name(group), Fact(f"{group}/deviations", len(differing)), Literal(text)))
    return card.table(("Config", "Cells that differ", "recomputed / printed"), rows)


def agreement(which: Sequence[str], facts: Mapping[str, Fact]) -> tuple[Fact, Fact]:
    """Returns how many cells agree, and how many there are."""
    compared = [cell.agrees for group in which for cell in cells(group, facts)]
    return Fact("paper/cells/agree", sum(compared)), Fact("paper/cells", len(compared))
