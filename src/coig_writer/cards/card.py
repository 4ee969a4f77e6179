"""Cards: facts in, Markdown out, and no number that is not a fact.

A template is Jinja over Markdown. An expression may print a ``Fact``, a ``Literal`` (a name that
holds digits, such as a model id, or ready-made Markdown), or text without digits; digits written
into the template's own prose are refused, outside code and link targets. So every number on a card
can be traced and recomputed.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from coig_writer.cards import escape
from coig_writer.errors import InputError
from coig_writer.facts import Fact

_DIGIT = re.compile(r"\d")
# Places of a template where digits are no claims: code, link targets, HTML comments and tags, Jinja itself.
_NOT_PROSE = re.compile(
    r"```.*?```|`[^`\n]*`|\]\([^)\n]*\)|<[^>\n]*>|\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL
)


@dataclasses.dataclass(frozen=True, slots=True)
class Literal:
    """Ready Markdown, which may hold digits although it states no measured number.

    A text that the kit did not write becomes one by ``name`` or ``code``.
    """

    text: str


def name(text: object) -> Literal:
    """Returns a text of unknown origin, which shows as it is and does nothing."""
    return Literal(escape.inline(str(text)))


def code(text: object) -> Literal:
    """Returns the same as a code span."""
    return Literal(escape.code(str(text)))


def shown(fact: Fact) -> str:
    """Formats a fact: thousands grouped, floats to four significant digits, interval and n."""
    text = _number(fact.value)
    if fact.unit == "percent":
        text += " %"
    if fact.low is not None and fact.high is not None:
        text += f" [{_number(fact.low)}, {_number(fact.high)}]"
        text += f" (n = {fact.n:,})" if fact.n is not None else ""
    return text


def _number(value: float | int | str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.1f}".removesuffix(".0") if abs(value) >= 1000 else f"{value:.4g}"


def render(template: Path, facts: Mapping[str, Fact], **context: object) -> str:
    """Renders a card.

    Args:
        template: A Jinja file. ``fact(id)`` prints a fact, ``literal(text)`` ready Markdown,
            ``name(text)`` and ``code(text)`` what the kit did not write.
        facts: Facts by id.
        **context: Further values for the template; lists of facts, ready Markdown as ``Literal``.

    Raises:
        InputError: The template states a number of its own, prints text with digits, names an
            unknown fact or an undefined variable.
    """
    import jinja2

    source = template.read_text(encoding="utf-8")
    _refuse_digits(source, template)

    def fact(fact_id: str) -> Fact:
        if fact_id not in facts:
            raise InputError(
                f"{template.name}: no fact {fact_id!r}", "write it in the stage that measures it"
            )
        return facts[fact_id]

    def finalize(value: object) -> str:
        return _printable(value, template)

    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    try:
        return environment.from_string(source).render(
            fact=fact, literal=Literal, name=name, code=code, **context
        )
    except jinja2.TemplateError as error:
        raise InputError(f"{template.name}: {error}", "mend the template") from error


def _printable(value: object, template: Path) -> str:
    if isinstance(value, Fact):
        return escape.inline(value.value) if isinstance(value.value, str) else shown(value)
    if isinstance(value, Literal):
        return value.text
    text = str(value)
    if _DIGIT.search(text):
        raise InputError(
            f"{template.name}: prints {text[:60]!r}, which is no fact",
            "pass it as a Fact, or as a Literal if it is a name",
        )
    return text


def _refuse_digits(source: str, template: Path) -> None:
    prose = _NOT_PROSE.sub(lambda m: "\n" * m.group().count("\n"), source)
    for number, line in enumerate(prose.splitlines(), 1):
        if _DIGIT.search(line):
            raise InputError(
                f"{template.name} line {number}: a number without a fact: {line.strip()[:80]!r}",
                "print it with {{ fact(…) }}, or a name with {{ literal(…) }}",
            )


def table(header: tuple[str, ...], rows: Sequence[tuple[Fact | Literal | str, ...]]) -> Literal:
    """Makes a Markdown table; cells are facts, literals or text without digits."""
    here = Path("table")
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    lines += [
        "| " + " | ".join(_printable(cell, here).replace("|", "\\|") for cell in row) + " |"
        for row in rows
    ]
    return Literal("\n".join(lines))


def front_matter(metadata: Mapping[str, object]) -> Literal:
    """Renders the YAML block that opens a card."""
    return Literal(f"---\n{yaml_text(metadata)}---")


def yaml_text(metadata: Mapping[str, object]) -> str:
    """Renders metadata for the Hub: keys in the order given, Chinese as it is."""
    import yaml

    return str(yaml.safe_dump(dict(metadata), allow_unicode=True, sort_keys=False, width=1000))
