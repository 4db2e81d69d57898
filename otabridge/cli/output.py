"""Stdout: rows of the model as table, JSON, JSON lines or CSV, page by page, with memory for one page."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from otabridge.cli.errors import ReaderGone, readable, turn_off_stdout
from otabridge.cli.options import Format

Record = dict[str, Any]  # what JSON can hold
CLOUD = "cloud"

# What a table shows of a row, where that is less than everything: class name -> fields. The other formats show all.
COLUMNS = {
    "Module": ("product", "name", "id", "alias", "description", "builtin", "updated_at"),
    "Package": ("id", "product", "module", "version", "kind", "source_versions", "name", "status", "artifacts"),
    "ModuleVersion": ("product", "device", "module", "version", "source", "reported_at"),
}
_names: dict[type[Any], tuple[str, ...]] = {}


def names(kind: type[Any]) -> tuple[str, ...]:
    """The fields of a row's class that are printed: all but the vendor's own object."""
    known = _names.get(kind)
    if known is None:
        known = _names[kind] = tuple(item.name for item in fields(kind) if item.name != "raw")
    return known


def record(row: Any, cloud: str | None = None) -> Record:
    """A row as JSON has it, with its cloud in front where several were asked."""
    told = {name: plain(getattr(row, name)) for name in names(type(row))}
    return told if cloud is None else {CLOUD: cloud, **told}


def plain(value: object) -> Any:
    """A value as JSON has it: times in UTC with a Z, nested rows as objects."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Iterable):
        return [plain(item) for item in value]
    if is_dataclass(value):
        return record(value)
    return str(value)


class Writer(Protocol):
    """Prints pages of records. `close` ends what must be ended; without it the output is visibly incomplete."""

    def page(self, records: Sequence[Record]) -> None: ...
    def close(self) -> None: ...


def writer(format: Format, columns: Sequence[str], *, shown: Sequence[str] | None = None) -> Writer:
    """A writer for records with these fields; `shown` names those of a table, if not all."""
    match format:
        case Format.JSON:
            return _Array()
        case Format.JSONL:
            return _Lines()
        case Format.CSV:
            return _Csv(columns)
        case Format.TABLE:
            return _Table(shown or columns)


def model_writer(format: Format, kind: type, *, clouds: bool) -> Writer:
    """A writer for rows of the model, with a column for their cloud where several were asked."""
    before = (CLOUD,) if clouds else ()
    shown = COLUMNS.get(kind.__name__, names(kind))
    return writer(format, (*before, *names(kind)), shown=(*before, *shown))


def listed(format: Format, columns: Sequence[str], records: Iterable[Record]) -> None:
    """Print records that are all at hand."""
    whole = writer(format, columns)
    whole.page(list(records))
    whole.close()


def show(format: Format, told: Record) -> None:
    """Print one object: in JSON an object, in a table a line for each of its fields."""
    if format is Format.JSON:
        emit(dumps(told, indent=2) + "\n")
    elif format is Format.TABLE:
        facts = [fact for name, value in told.items() for fact in _flat(name, value)]
        width = max(len(name) for name, _ in facts)
        emit("".join(f"{name:{width}}  {text}".rstrip() + "\n" for name, text in facts))
    else:
        listed(format, list(told), [told])


def dumps(value: Any, indent: int | None = None) -> str:
    """JSON with its unicode readable."""
    import json

    return json.dumps(value, ensure_ascii=False, indent=indent)


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """One fact for each value, those that are nested named with a path."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(f"{name}.{key}", item)
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for index, item in enumerate(value):
            yield from _flat(f"{name}[{index}]", item)
    else:
        yield name, cell(value)


def emit(text: str) -> None:
    """Write data, at once. ReaderGone if nobody reads it."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise ReaderGone from None
    except OSError as error:
        turn_off_stdout()
        raise OSError(error.errno, error.strerror, "stdout") from None


def cell(value: Any) -> str:
    """A value for a person: one line, and nothing that a terminal would obey."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(map(cell, value))
        case {"name": str(name), **_rest}:
            return readable(name)
        case dict():
            return readable(dumps(value)) if value else ""
    return readable(str(value))


class _Array:
    """One JSON array. It is closed by `close` alone, so that a part never looks like the whole."""

    def __init__(self) -> None:
        self._before = "[\n"

    def page(self, records: Sequence[Record]) -> None:
        if records:
            emit(self._before + ",\n".join(dumps(item) for item in records))
            self._before = ",\n"

    def close(self) -> None:
        emit("[]\n" if self._before == "[\n" else "\n]\n")


class _Lines:
    """One JSON object a line."""

    def page(self, records: Sequence[Record]) -> None:
        emit("".join(dumps(item) + "\n" for item in records))

    def close(self) -> None:
        emit("")


class _Csv:
    """CSV with a header; what is nested is JSON in its cell, what is missing is empty."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = columns
        self._begun = False

    def page(self, records: Sequence[Record]) -> None:
        import csv
        import io

        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        if not self._begun:
            rows.writerow(self._columns)
            self._begun = True
        rows.writerows([_csv_cell(item.get(column)) for column in self._columns] for item in records)
        emit(text.getvalue())

    def close(self) -> None:
        if not self._begun:
            self.page(())


def _csv_cell(value: Any) -> Any:
    return dumps(value) if isinstance(value, bool | list | dict) else value


class _Table:
    """Aligned columns, as wide as the widest cell so far: a later page may widen them."""

    def __init__(self, columns: Sequence[str]) -> None:
        from rich.cells import cell_len

        self._width_of = cell_len
        self._columns = columns
        self._widths = [len(column) for column in columns]
        self._begun = False

    def page(self, records: Sequence[Record]) -> None:
        rows = [[cell(item.get(column)) for column in self._columns] for item in records]
        for row in rows:
            self._widths = [max(width, self._width_of(text)) for width, text in zip(self._widths, row, strict=True)]
        lines = [self._line(row) for row in rows]
        if not self._begun:
            lines.insert(0, self._line(self._columns))
            self._begun = True
        emit("".join(lines))

    def close(self) -> None:
        if not self._begun:
            self.page(())

    def _line(self, texts: Sequence[str]) -> str:
        padded = (text + " " * (width - self._width_of(text)) for text, width in zip(texts, self._widths, strict=True))
        return "  ".join(padded).rstrip() + "\n"
