"""How a server writes: names in either cloud's spelling, times in each of their forms, and envelopes."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from operator import attrgetter
from typing import Any

from otabridge_action import schema_names as names
from otabridge_action.reading import CHINA

Tree = dict[str, Any]


# --- times ----------------------------------------------------------------------------------------------------------


def utc_time(moment: datetime) -> str:
    """As in every Utc* member: 2019-11-04T06:21:54.607Z."""
    return f"{moment.astimezone(UTC).isoformat(timespec='milliseconds')[:23]}Z"


def minute(moment: datetime) -> str:
    """As Gmt* members of modules have it: 2020-10-13T09:46Z."""
    return f"{moment.astimezone(UTC).isoformat(timespec='minutes')[:16]}Z"


def spoken(moment: datetime) -> str:
    """As Gmt* members of one list of devices have it: Wed, 20-Feb-2019 02:16:09 GMT."""
    day, date, month, year, clock, zone = format_datetime(moment.astimezone(UTC), usegmt=True).split()
    return f"{day} {date}-{month}-{year} {clock} {zone}"


def local_time(moment: datetime) -> str:
    """As other Gmt* members of devices have it, eight hours ahead: 2018-08-06 10:47:50."""
    return moment.astimezone(CHINA).isoformat(" ", "seconds")[:19]


def milliseconds(moment: datetime) -> int:
    """As members of products, and time stamps, have it."""
    return int(moment.timestamp() * 1000)


# --- members --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Which page of a list is shown, and how many rows the list has."""

    number: int
    size: int
    total: int


class Spelling(dict[str, str]):
    """The vendors' names as one cloud spells them, each worked out once."""

    def __init__(self, *, camel: bool) -> None:
        self.camel = camel

    def __missing__(self, name: str) -> str:
        return self.setdefault(name, names.lowered(name) if self.camel else name)


class Writing:
    """What all writers of answers share."""

    def __init__(self, *, camel: bool) -> None:
        self.spelled = Spelling(camel=camel)

    def members(self, given: Mapping[str, object]) -> Tree:
        """Members by the vendors' names; what is None is left out."""
        return {self.spelled[name]: value for name, value in given.items() if value is not None}

    def below(self, path: Iterable[str], value: Any) -> Tree:
        """A value, wrapped in members of those names."""
        tree: Tree = value
        for name in reversed(tuple(path)):
            tree = {self.spelled[name]: tree}
        return tree

    def row(self, table: Mapping[str, str]) -> Callable[[Any], Tree]:
        """A writer of rows: the fields of a table under its names, as they are."""
        spelled, fields = tuple(self.spelled[name] for name in table.values()), attrgetter(*table)
        return lambda row: dict(zip(spelled, fields(row), strict=True))

    def place(self, shown: Shown, *, number: str = names.WORDS["page"]) -> Tree:
        """The members that say where a page stands; the first has another name in some lists."""
        pages = -(-shown.total // shown.size)
        facts = {number: shown.number, names.WORDS["size"]: shown.size, names.PAGE_COUNT: pages}
        return self.members({**facts, names.TOTAL: shown.total})

    # --- envelopes --------------------------------------------------------------------------------------------------

    def success(self, members: Tree, request: str) -> Tree:
        """What was done. Tuya says an empty code, Aliyun none."""
        code = "" if self.spelled.camel else None
        return self.members({names.REQUEST: request, names.SUCCESS: True, names.CODE: code}) | members

    def failure(self, code: str, message: str, request: str) -> Tree:
        """What an action says of itself."""
        told = {names.CODE: code, names.COMPLAINT: message}
        return self.members({names.REQUEST: request, names.SUCCESS: False, **told})

    def refusal(self, code: str, message: str, request: str, host: str) -> Tree:
        """What is said before there is an action; that it is so on Tuya is unverified."""
        return self.members({names.REQUEST: request, names.HOST: host, names.CODE: code, names.MESSAGE: message})
