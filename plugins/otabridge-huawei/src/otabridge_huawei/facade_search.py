"""SearchDevices: a statement of facade_sql.py, answered from the store's devices, newest first.

Only what must be is read: one product where one is asked for, versions of the rows that are given, and of the whole
fleet where a condition is about them.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import replace

from otabridge.facade import Answer
from otabridge.plugin import Capability, Device, Steps
from otabridge.windows import Listed, count, split, within
from otabridge_huawei import facade_tables as tables
from otabridge_huawei import schema_mirror as wire
from otabridge_huawei import schema_names as names
from otabridge_huawei.facade_calls import Given, answer, refuse
from otabridge_huawei.facade_devices import DeviceFacade, Versions
from otabridge_huawei.facade_marks import START, Place, is_marker
from otabridge_huawei.facade_sql import Condition, Query, parse
from otabridge_huawei.schema import moment
from otabridge_huawei.signing import sdk_date

_NONE = Versions.of({})
_VERSIONS = {"firmware", "software"}
_LATE = _VERSIONS | {"modules"}  # columns for which a device's versions must be read
Fleet = Mapping[tuple[str, str], Versions]


class SearchFacade(DeviceFacade):
    """The search for devices."""

    def search_devices(self, given: Given) -> Steps[Answer]:
        query = parse(given.texts(names.SEARCH_BODY, *names.SEARCH_BODY)["sql"])
        where = tuple(tuple(map(_normal, group)) for group in query.where)
        sole = where[0] if len(where) == 1 else ()

        def asked(word: str, sign: str) -> list[str]:
            return [test.values[0] for test in sole if (test.word, test.sign) == (word, sign)]

        product, app = (next(iter(asked(word, "=")), None) for word in ("product", "app"))
        below = min(asked("marker", "<"), default=START)
        if sole:
            done = {("product", "="): product, ("marker", "<"): below}
            where = (tuple(test for test in sole if done.get((test.word, test.sign)) != test.values[0]),)
        listed = self.listed(
            Capability.LIST_DEVICES,
            lambda cursor, limit: self.store.list_devices(product=product, cursor=cursor, limit=limit),
        )
        if query.counts and not any(where) and below == START:
            return answer(given.call, wire.counted((yield from count(listed))))
        place = self.marks.place(_key(product), 1, below)
        found = [] if place.over else (yield from self._scan(listed, place, query, where, product))
        if query.counts:
            return answer(given.call, wire.counted(len(found)))
        chosen = found[query.offset : query.offset + query.rows]
        if query.ascending:
            last = max(0, len(found) - query.offset)
            chosen = found[max(0, last - query.rows) : last]
        rows = []
        for device, marker in reversed(chosen) if query.ascending else chosen:
            rows.append((yield from self._row(device, marker, query, app)))
        return answer(given.call, wire.found(rows))

    def _scan(
        self,
        listed: Listed[Device],
        place: Place,
        query: Query,
        where: tuple[tuple[Condition, ...], ...],
        product: str | None,
    ) -> Steps[list[tuple[Device, str]]]:
        """The devices that fit with their markers, newest first: as many as the page needs, or all that are counted."""
        words = {test.word for group in where for test in group}
        fleet: Fleet = (yield from self._fleet(product)) if words & _VERSIONS else {}
        most = None if query.counts else query.offset + query.rows
        found: deque[tuple[Device, str]] = deque(maxlen=most if query.ascending else None)
        past, at = split(place.cursor)
        past, passed = past + place.skip, place.passed
        while True:
            page = yield from listed.fetch(at, listed.largest)
            for number, device in enumerate(page.items[past:], past + 1):
                passed += 1
                behind = page.behind[number - 1] if page.behind else within(number, at)
                marker = self.marks.marker(_key(product), 1, behind, passed, named=bool(page.behind))
                row = self.told(device, fleet.get((device.product, device.name), _NONE))
                row |= {"created_at": sdk_date(tables.UNKNOWN_TIME), "marker": marker}
                if not where or any(all(self._holds(test, row) for test in group) for group in where):
                    found.append((device, marker))
                if len(found) == most and not query.ascending:
                    return [*found]
            past, at = max(0, past - len(page.items)), page.cursor
            if at is None:
                return [*found]

    def _holds(self, test: Condition, row: Mapping[str, object]) -> bool:
        value = row.get(test.word)
        equal = value in test.values
        if test.word == "app":
            equal = any(self.spaces.of(str(row["product"]), app) == app for app in test.values)
        match test.sign:
            case "=" | "in":
                return equal
            case "!=" | "not in":
                return not equal
            case "like":
                return str(value or "").startswith(test.values[0][:-1])
        return str(value) < test.values[0] if test.sign == "<" else str(value) > test.values[0]

    def _fleet(self, product: str | None) -> Steps[Fleet]:
        """The versions of built-in modules on every device."""
        found: dict[tuple[str, str], dict[str, str]] = {}
        cursor, over = None, False
        while not over:
            page = yield from self.store.list_fleet_versions(product=product, cursor=cursor)
            for row in page.items:
                if row.module.startswith("@"):
                    found.setdefault((row.product, row.device), {})[row.module] = row.version
            cursor, over = page.cursor, page.cursor is None
        return {key: Versions.of(versions) for key, versions in found.items()}

    def _row(self, device: Device, marker: str, query: Query, asked: str | None) -> Steps[wire.Json]:
        columns = query.columns or tuple(names.SEARCHED)
        versions = (yield from self.versions(device)) if _LATE & {*columns} else _NONE
        row = self.told(device, versions, asked) | {"marker": marker}
        row |= yield from self.owner(device.product, asked)
        return wire.told({word: names.SEARCHED[word] for word in columns}, None, **row)


def _key(product: str | None) -> tuple[str, str | None]:
    return "search", product


def _normal(test: Condition) -> Condition:
    """A condition whose values compare as texts."""
    if test.word == "marker":
        if not all(map(is_marker, test.values)):
            refuse(tables.BAD_MARKER, "24 hexadecimal digits")
        return replace(test, values=tuple(map(str.lower, test.values)))
    if test.word == "created_at":
        moments = [moment(value) for value in test.values]
        if None in moments:
            refuse(tables.BAD_TIME, names.SEARCHABLE["created_at"])
        return replace(test, values=tuple(sdk_date(at) for at in moments if at))
    return test
