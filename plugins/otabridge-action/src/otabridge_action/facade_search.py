"""The search for devices: a small SQL, of which the parts are here that say something of what a store knows."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from otabridge.facade import Call
from otabridge.plugin import Device, Steps
from otabridge.windows import Window, count, window
from otabridge_action.facade_codes import Refusal, no
from otabridge_action.facade_devices import DeviceActions, shown_status
from otabridge_action.facade_reading import Parsed
from otabridge_action.facade_tables import SEARCH_CHARACTERS, SEARCH_CONDITIONS, SEARCH_ROWS
from otabridge_action.schema_writing import Tree
from otabridge_action.tables import DEVICE_WORDS, SEARCH_PAGE, SEARCHED

_FLAGS = re.IGNORECASE | re.DOTALL
_STATEMENT = re.compile(
    r"\s*SELECT\s+(?P<what>\*|count\s*\(\s*\*\s*\))\s+FROM\s+device"
    r"(?:\s+WHERE\s+(?P<where>.+?))?"
    r"(?:\s+ORDER\s+BY\s+(?P<order>.+?))?"
    r"(?:\s+LIMIT\s+(?P<limit>[^\"']+?))?\s*;?\s*",
    _FLAGS,
)
_CONDITION = re.compile(r"\s*([\w.]+)\s*(!=|<>|>=|<=|=|>|<|\blike\b|\bin\b)\s*(.+?)\s*", _FLAGS)
_VALUE = re.compile(r"\"([^\"]*)\"|'([^']*)'")
_ORDER = re.compile(r"(gmt_create|gmt_modified|active_time)(\s+(asc|desc))?", re.IGNORECASE)
_LIMIT = re.compile(r"(?:(\d{1,9})\s*,\s*)?(\d{1,9})", re.ASCII)
_AND = re.compile(r"\s+AND\s+(?=[\w.]+\s*(?:[!<>=]|like\b|in\b))", re.IGNORECASE)

# What a statement may ask of, and how a device answers. The fields of a device that no store knows are left out.
_FIELDS: dict[str, Callable[[Device], str]] = {
    "product_key": lambda device: device.product,
    "name": lambda device: device.name,
    "status": lambda device: DEVICE_WORDS[shown_status(device)],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A statement, read."""

    wanted: tuple[tuple[str, str], ...]
    counted: bool
    offset: int
    rows: int

    @property
    def product(self) -> str | None:
        """The one product that is searched."""
        return dict(self.wanted).get("product_key")

    def fits(self, device: Device) -> bool:
        """Whether a device is looked for."""
        return all(_FIELDS[field](device) == value for field, value in self.wanted)


class SearchActions(DeviceActions):
    """The search."""

    def search(self, call: Call, asked: Parsed) -> Steps[Tree]:
        search = read(asked.words["statement"])
        listed = self.devices(search.product)
        if {field for field, _ in search.wanted} - {"product_key"}:
            listed = replace(listed, keep=search.fits)
        if search.counted:
            return self.scribe.found_count((yield from count(listed)))
        found: Window[Device]
        if search.offset % search.rows:
            found = yield from window(listed, None, search.rows, skip=search.offset)
        else:
            # All devices were made at one time, as far as is known, so that any order is the one that is asked for.
            number = search.offset // search.rows + 1
            found, _ = yield from self.numbered(("search", search.wanted), listed, number, search.rows)
        rows = []
        for device in found.rows:
            rows.append(self.scribe.device_found(device, (yield from self.found_facts(device))))
        return self.scribe.found(rows)


def read(statement: str) -> Search:
    """What a statement asks for, or why it cannot be asked."""
    parts = _STATEMENT.fullmatch(statement) if len(statement) <= SEARCH_CHARACTERS else None
    if parts is None:
        raise _bad("", "it is no SELECT of devices, or too long")
    if parts["order"] and not _ORDER.fullmatch(parts["order"].strip()):
        raise _bad("Order", "devices are ordered by the times of their making, change or activation alone")
    conditions = _AND.split(parts["where"]) if parts["where"] else []
    if len(conditions) > SEARCH_CONDITIONS:
        raise _bad("Condition", f"there are more than {SEARCH_CONDITIONS} conditions")
    offset, rows = _limit(parts["limit"])
    return Search(wanted=tuple(map(_condition, conditions)), counted=parts["what"] != "*", offset=offset, rows=rows)


def _limit(text: str | None) -> tuple[int, int]:
    found = _LIMIT.fullmatch(text.strip()) if text else None
    if text and not found:
        raise _bad("Offset", "LIMIT has a count, or an offset and a count")
    offset, rows = (int(found[1] or 0), int(found[2])) if found else (0, SEARCH_ROWS)
    if not 1 <= rows <= SEARCH_PAGE or offset + rows > SEARCHED:
        raise _bad("Offset", f"at most {SEARCH_PAGE} rows are given, and none behind the first {SEARCHED}")
    return offset, rows


def _condition(text: str) -> tuple[str, str]:
    found = _CONDITION.fullmatch(text)
    if not found:
        raise _bad("Condition", "a condition is a field, an operator and a value")
    field, operator, value = found[1].lower(), found[2], _VALUE.fullmatch(found[3])
    if field not in _FIELDS:
        raise _bad("Field", f"the fields are {', '.join(_FIELDS)}")
    if operator != "=":
        raise _bad("OperatorType", "fields can be compared by = alone")
    if not value:
        raise _bad("Param", "values stand in quotes")
    return field, value[1] if value[1] is not None else value[2]


def _bad(what: str, told: str) -> Refusal:
    return no("statement", told, code=what)
