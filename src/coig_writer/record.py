"""Records: frozen dataclasses that are also rows.

Each record of the kit is one frozen dataclass; its field names and types are its columns, in
Parquet and in JSONL alike. This module turns rows into records and back and checks types on the
way in, so that a wrong column is found where it enters and nowhere else.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import types
import typing
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from coig_writer.errors import InputError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

R = TypeVar("R")
_ANYTHING = (Any, object)


@functools.cache
def field_types(cls: type) -> dict[str, object]:
    """Returns the resolved type of each field of a record class, in order."""
    hints = typing.get_type_hints(cls)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}


def column(cls: type, field: str) -> str:
    """Returns the column name of a field (``COLUMNS`` of the class renames some)."""
    renamed: Mapping[str, str] = getattr(cls, "COLUMNS", {})
    return renamed.get(field, field)


@functools.cache
def _columns(cls: type) -> tuple[tuple[str, str], ...]:
    """Returns (column, field) of a record class, in order."""
    return tuple((column(cls, name), name) for name in field_types(cls))


def to_row(record: DataclassInstance) -> dict[str, Any]:
    """Turns a record into a plain row, nested records into dictionaries."""
    return {name: _plain(getattr(record, field)) for name, field in _columns(type(record))}


def _plain(value: object) -> object:
    if value is None or isinstance(value, (str, int, float)):  # most cells: asked first
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return to_row(value)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def parse_line(text: bytes | str, where: str) -> dict[str, Any]:
    """Parses one line of JSONL.

    Args:
        text: The line, with or without its end.
        where: File and line, for the error.

    Raises:
        InputError: It is not JSON, or no object.
    """
    try:
        row = json.loads(text)
    except UnicodeDecodeError as error:
        raise InputError(f"{where}: not UTF-8", "save the file as UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{where}: not JSON ({str(error)[:80]})", "mend or delete this line"
        ) from error
    if not isinstance(row, dict):
        raise InputError(
            f"{where}: a {type(row).__name__}, not an object", "write one JSON object per line"
        )
    return row


def from_row(
    cls: type[R], row: Mapping[str, object], where: str = "row", what: str = "column"
) -> R:
    """Builds a record from a row.

    Args:
        cls: The record class; where it has a ``class_of``, that tells the class of a row by its columns.
        row: Column to value. A column with a default may be absent; an unknown column is an error.
        where: File and row, for the error.
        what: What a field is called there: ``key`` in a file of settings.

    Raises:
        InputError: A column is missing, unknown, or of the wrong type.
    """
    choose: Callable[[Mapping[str, object]], type[R]] | None = getattr(cls, "class_of", None)
    cls = choose(row) if choose else cls
    record_class: type = cls
    cells = _cells(record_class)
    if unknown := sorted(row.keys() - cells.keys()):
        raise InputError(
            f"{where}: unknown {what} {unknown[0]!r} for {cls.__name__.lstrip('_')}",
            f"use only {', '.join(cells)}",
        )
    values: dict[str, object] = {}
    for name, cell in cells.items():
        if name in row:
            value = row[name]
            kind = type(value)
            if convert := cell.converts.get(kind):
                value = convert(value)
            elif kind not in cell.plain:  # most cells are right
                value = _checked(cell.type, value, f"{where}: {what} {name!r}")
            values[cell.field] = value
        elif cell.required:
            raise InputError(
                f"{where}: {what} {name!r} of {cls.__name__.lstrip('_')} is missing",
                f"add it; {what}s are {', '.join(cells)}",
            )
    return cls(**values)


class _Cell(NamedTuple):
    """What a column holds.

    Attributes:
        field: The record's field.
        type: As it is annotated.
        plain: Types of values that need no further look.
        converts: Types of values that may hold anything, and what they become.
        required: Whether it must be there.
    """

    field: str
    type: object
    plain: frozenset[object]
    converts: dict[object, Callable[[Any], object]]
    required: bool


@functools.cache
def _cells(cls: type) -> dict[str, _Cell]:
    cells = {}
    for field in dataclasses.fields(cls):
        annotation = field_types(cls)[field.name]
        inner, nullable = optional(annotation)
        plain = frozenset([inner, type(None)] if nullable else [inner])
        origin, items = typing.get_origin(inner), typing.get_args(inner)
        converts: dict[object, Callable[[Any], object]] = {}
        if origin is dict and items[1] in _ANYTHING:
            converts = {dict: _with_text_keys}
        elif origin is tuple and items[0] in _ANYTHING:
            converts = {list: tuple}
        required = (
            field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        )
        cells[column(cls, field.name)] = _Cell(field.name, annotation, plain, converts, required)
    return cells


def _with_text_keys(value: Mapping[object, object]) -> dict[str, object]:
    return {str(k): v for k, v in value.items()}


@functools.cache
def optional(annotation: object) -> tuple[object, bool]:
    """Splits ``X | None`` into ``(X, True)``; any other annotation into ``(annotation, False)``."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        inner = [a for a in typing.get_args(annotation) if a is not type(None)]
        if len(inner) == 1:
            return inner[0], True
    return annotation, False


def _checked(annotation: object, value: object, where: str) -> object:  # noqa: PLR0911 - one return per kind of type
    inner, nullable = optional(annotation)
    if inner is type(value) or inner in _ANYTHING:  # most cells: asked first
        return value
    if value is None:
        if nullable:
            return None
        raise InputError(f"{where} is null", "give a value; null is only for what may be unknown")
    if dataclasses.is_dataclass(inner) and isinstance(inner, type):
        return _nested(inner, value, where)
    if typing.get_origin(inner) is tuple:
        return _sequence(typing.get_args(inner)[0], value, where)
    if typing.get_origin(inner) is typing.Literal:
        return _choice(typing.get_args(inner), value, where)
    if typing.get_origin(inner) is dict:
        return _mapping(typing.get_args(inner)[1], value, where)
    return _scalar(inner, value, where)


def _mapping(item: object, value: object, where: str) -> dict[str, object]:
    if not isinstance(value, Mapping):
        raise _wrong_type(where, value, "object")
    if item in _ANYTHING:
        return _with_text_keys(value)
    return {str(k): _checked(item, v, f"{where}[{k!r}]") for k, v in value.items()}


def _nested(cls: type[R], value: object, where: str) -> R:
    if isinstance(value, cls):
        return value
    if isinstance(value, Mapping):
        return from_row(cls, value, where)
    raise _wrong_type(where, value, cls.__name__)


def _sequence(item: object, value: object, where: str) -> tuple[object, ...]:
    if not isinstance(value, (list, tuple)):
        raise _wrong_type(where, value, "list")
    if item in _ANYTHING:
        return tuple(value)
    return tuple(_checked(item, v, f"{where}[{i}]") for i, v in enumerate(value))


def _choice(choices: tuple[object, ...], value: object, where: str) -> object:
    if value in choices:
        return value
    raise InputError(f"{where} is {value!r}", f"use one of {', '.join(map(str, choices))}")


def _scalar(expected: Any, value: object, where: str) -> object:
    if expected is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, expected) and not (expected is int and isinstance(value, bool)):
        return value
    raise _wrong_type(where, value, getattr(expected, "__name__", str(expected)))


def _wrong_type(where: str, value: object, expected: str) -> InputError:
    return InputError(
        f"{where} is {type(value).__name__} {str(value)[:40]!r}, not {expected}",
        "see docs/records.md for the columns",
    )
