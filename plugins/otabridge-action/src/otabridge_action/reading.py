"""Reading answers whatever their casing and wrapping, and times. Which names to look for is said by schema.py.

Members whose names end in "secret" end here: no row, no `raw` and no error has them.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from operator import is_
from typing import Any, Generic, Protocol, TypeVar
from xml.etree import ElementTree

from pydantic import ValidationError

from otabridge.plugin import Reader, Request, Response, http_date, not_understood

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Tree = dict[str, Any]

XML_BYTES = 65_536
# Where a time names no zone, the vendors' own pairs of Gmt* and Utc* fields show that it is China's.
CHINA = timezone(timedelta(hours=8))


class Rows(Protocol[T_co]):
    """What a kind reads into: a pydantic model with rows."""

    @property
    def rows(self) -> tuple[T_co, ...]: ...

    def model_copy(self, *, update: dict[str, Any]) -> Any: ...


L = TypeVar("L", bound=Rows[Any])


def tree(body: bytes) -> Tree | None:
    """An answer with lower-case names, and numbers as text; None if it is no object."""
    if body.lstrip()[:1] == b"<":
        return _xml_tree(body)
    return _loaded(body, _folded, parse_int=str, parse_float=str)


def rows_below(node: Any, mark: str) -> list[Any]:
    """The rows below a node: in an array, wrapped, a single one, or none; `mark` is a member that each has."""
    if isinstance(node, list):
        return [row for row in node if row is not None]
    if not isinstance(node, dict):
        return []
    if any(name.lower() == mark for name in node):
        return [node]
    return next((rows for inner in node.values() if (rows := rows_below(inner, mark))), [])


def moment(text: str | None) -> datetime | None:
    """A time in any of the vendors' formats, in UTC; None where it is none."""
    if not text:
        return None
    try:
        if text.isdecimal():
            return datetime.fromtimestamp(int(text) / 1000, UTC)
        parsed = datetime.fromisoformat(text)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=CHINA)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        spoken = http_date(text)
        return spoken and spoken.astimezone(UTC)


def cased(*names: str) -> tuple[str, ...]:
    """Names as Aliyun, as Tuya, and as the folded reading have them."""
    return tuple(dict.fromkeys(form for name in names for form in (name, name[0].lower() + name[1:], name.lower())))


def blank(value: Any) -> Any:
    return value or None


class Kind(Generic[L]):
    """How one kind of row is read: `prepare` makes a folded row ready for its model, `mend` changes the model.

    `place` names the members that say where an answer stands in its list. Kinds with `usual` are first read as
    documented, in one pass, which counts only if `usual` finds nothing missing.
    """

    def __init__(
        self,
        reader: Reader[L],
        *,
        mark: str,
        place: dict[str, tuple[str, ...]],
        prepare: "Callable[[Tree], Tree | list[Tree]]",
        mend: "Callable[[Any], Any] | None" = None,
        usual: "Callable[[L], bool] | None" = None,
    ) -> None:
        self._reader = reader
        self._mark = mark
        self._place = place
        self._prepare = prepare
        self._mend = mend
        self._is_usual = usual

    def read(self, request: Request, response: Response, *, raw: bool = False) -> L:
        """The rows of an answer, and where it stands in its list. ProtocolError if it is something else."""
        found, problem = self._usual(response) if self._is_usual and not raw else None, "no JSON object"
        if found is None and (folded := tree(response.body)) is not None:
            try:
                found = self._unusual(folded)
            except ValidationError as error:
                first = error.errors(include_input=False, include_url=False, include_context=False)[0]
                problem = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
            except (AttributeError, TypeError, ValueError):
                problem = "a member of it has an unexpected type"
        if found is None:
            raise not_understood(request, response, problem)
        rows = found.rows
        if self._mend:
            rows = tuple(map(self._mend, rows))
        if raw:
            originals = rows_below(_loaded(response.body, _public), self._mark)
            rows = tuple(replace(row, raw=original) for row, original in zip(rows, originals, strict=False))
        if all(map(is_, rows, found.rows)):
            return found
        copy: L = found.model_copy(update={"rows": rows})
        return copy

    def _usual(self, response: Response) -> L | None:
        """The documents' own spellings, in one pass over the bytes."""
        try:
            found = self._reader.adapter.validate_json(response.body)
        except ValidationError:
            return None
        return found if self._is_usual and self._is_usual(found) else None

    def _unusual(self, folded: Tree) -> L:
        """Any casing, any wrapper, any place of the page fields."""
        holders = [folded, *(value for value in folded.values() if isinstance(value, dict))]
        place = {
            field: next((holder[name] for holder in holders for name in names if holder.get(name)), None)
            for field, names in self._place.items()
        }
        rows = [self._prepare(row) if isinstance(row, dict) else row for row in rows_below(folded, self._mark)]
        return self._reader.adapter.validate_python({"rows": rows, **place})


def _loaded(body: bytes, pairs: Callable[[list[tuple[str, Any]]], Tree], **numbers: Any) -> Tree | None:
    try:
        value = json.loads(body, object_pairs_hook=pairs, **numbers)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _folded(pairs: list[tuple[str, Any]]) -> Tree:
    return {folded: value for name, value in pairs if (folded := _open_name(name)) is not None}


def _public(pairs: list[tuple[str, Any]]) -> Tree:
    return {name: value for name, value in pairs if _open_name(name) is not None}


@lru_cache(maxsize=1024)
def _open_name(name: str) -> str | None:
    """A member's name in lower case; None for one that holds a secret."""
    folded = name.lower()
    return None if folded.endswith("secret") else folded


def _xml_tree(body: bytes) -> Tree | None:
    # A declaration could define entities without end, and null bytes could hide one in another encoding.
    if len(body) > XML_BYTES or b"\0" in body or b"<!" in body:
        return None
    try:
        root = ElementTree.fromstring(body)
    except (ElementTree.ParseError, ValueError, LookupError):
        return None
    return _folded([(child.tag, child.text) for child in root])
