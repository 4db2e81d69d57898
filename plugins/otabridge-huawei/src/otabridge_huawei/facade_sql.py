"""The vendor's subset of SQL, read: `select … from device [where …] [order by marker …] [limit …]`.

Everything that the subset does not have is refused with the word at fault.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NoReturn

from otabridge.plugin import broken
from otabridge_huawei import schema_names as names
from otabridge_huawei.tables import PAGE, SQL_LENGTH

Sign = Literal["=", "!=", "<", ">", "like", "in", "not in"]
CONDITIONS, ROWS, OFFSET, PREFIX = 5, 10, 500, 4
_TOKEN = re.compile(r"\s*(?:'([^']*)'|([A-Za-z_][A-Za-z0-9_]*|[0-9]+)|([<>=!]+|.))", re.DOTALL)
_PREFIX = re.compile(rf"[^%\x00-\x1f]{{{PREFIX},}}%").fullmatch
_WORDS = {name: word for word, name in names.SEARCHABLE.items()}
_GIVEN = {name: word for word, name in names.SEARCHED.items()}
_ORDERED = frozenset({"created_at", "marker"})
_LIKE = frozenset({"shown", "name", "tag", "tagged"})
_TAGS = frozenset({"tag", "tagged"})


@dataclass(frozen=True, slots=True)
class Condition:
    """A field by our word, what is asked of it, and the values."""

    word: str
    sign: Sign
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What a search asks for. `columns` are our words, all if None; `where` holds if all of any of its groups do."""

    counts: bool = False
    columns: tuple[str, ...] | None = None
    where: tuple[tuple[Condition, ...], ...] = ()
    ascending: bool = False
    offset: int = 0
    rows: int = ROWS


@dataclass(frozen=True, slots=True)
class _Token:
    kind: Literal["text", "word", "sign", "end"]
    text: str

    def shown(self) -> str:
        return {"text": f"'{self.text}'", "end": "the end"}.get(self.kind, self.text)


def parse(sql: str) -> Query:
    """Read a statement. ValidationError names what is wrong with it."""
    if len(sql) > SQL_LENGTH:
        raise broken(names.SEARCH_BODY["sql"], f"at most {SQL_LENGTH} characters", sql, "ask for less")
    return _Parser(sql).query()


class _Parser:
    """One reading of one statement, token after token."""

    def __init__(self, sql: str) -> None:
        found = list(_TOKEN.finditer(sql.strip()))
        kinds: Mapping[int, Literal["text", "word", "sign"]] = {1: "text", 2: "word", 3: "sign"}
        self._tokens = [_Token(kinds[part.lastindex or 3], part[part.lastindex or 3]) for part in found]
        self._at = 0

    def query(self) -> Query:
        self._need("select")
        counts, columns = self._selected()
        self._need("from")
        self._need("device")
        where = self._where() if self._take("where") else ()
        ascending = self._order() if self._take("order") else False
        offset, rows = self._limit() if self._take("limit") else (0, ROWS)
        if self._next.kind != "end":
            self._fail("nothing more")
        return Query(counts=counts, columns=columns, where=where, ascending=ascending, offset=offset, rows=rows)

    # --- parts ------------------------------------------------------------------------------------------------------

    def _selected(self) -> tuple[bool, tuple[str, ...] | None]:
        if self._take("*"):
            return False, None
        if self._take("count"):
            self._need("(")
            if not (self._take("*") or self._take("1")):
                self._fail("* or 1")
            self._need(")")
            return True, None
        columns = [self._column(_GIVEN)]
        while self._take(","):
            columns.append(self._column(_GIVEN))
        return False, tuple(columns)

    def _where(self) -> tuple[tuple[Condition, ...], ...]:
        groups = [[self._condition()]]
        while True:
            if self._take("or"):
                groups.append([])
            elif not self._take("and"):
                break
            groups[-1].append(self._condition())
            if sum(map(len, groups)) > CONDITIONS:
                self._fail(f"at most {CONDITIONS} conditions")
        return tuple(map(tuple, groups))

    def _condition(self) -> Condition:
        word = self._column(_WORDS)
        name, sign = names.SEARCHABLE[word], self._sign()
        allowed = {"=": True, "!=": True, "like": word in _LIKE, "in": word not in _TAGS, "not in": word not in _TAGS}
        if not allowed.get(sign, word in _ORDERED):
            raise _wrong(f"an operator that {name} has", sign)
        if sign not in ("in", "not in"):
            value = self._value()
            if sign == "like" and not _PREFIX(value):
                raise _wrong(f"{PREFIX} or more characters, and % only at the end, for like", value)
            return Condition(word, sign, (value,))
        self._need("(")
        values = [self._value()]
        while self._take(","):
            values.append(self._value())
        self._need(")")
        return Condition(word, sign, tuple(values))

    def _sign(self) -> Sign:
        token = self._next
        self._at += 1
        match token.kind, token.text.lower():
            case "sign", ("=" | "!=" | "<" | ">") as sign:
                return sign
            case "word", ("like" | "in") as sign:
                return sign
            case "word", "not" if self._take("in"):
                return "not in"
        self._at -= 1
        return self._fail("one of = != > < like, in, not in")

    def _order(self) -> bool:
        self._need("by")
        self._need("marker")
        if self._take("desc"):
            return False
        self._take("asc")  # what SQL does where nothing is said (unverified)
        return True

    def _limit(self) -> tuple[int, int]:
        first = self._number()
        offset, rows = (first, self._number()) if self._take(",") else (0, first)
        if offset > OFFSET or not 1 <= rows <= PAGE:
            raise _wrong(f"an offset of at most {OFFSET} and 1 to {PAGE} rows", f"limit {offset},{rows}")
        return offset, rows

    # --- tokens -----------------------------------------------------------------------------------------------------

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at] if self._at < len(self._tokens) else _Token("end", "")

    def _take(self, word: str) -> bool:
        """Whether the next token is that keyword or sign; if so it is passed."""
        taken = self._next.kind in ("word", "sign") and self._next.text.lower() == word
        self._at += taken
        return taken

    def _need(self, word: str) -> None:
        if not self._take(word):
            self._fail(word)

    def _column(self, known: Mapping[str, str]) -> str:
        token = self._next
        if token.kind != "word" or token.text not in known:
            self._fail("a field of a device")
        self._at += 1
        return known[token.text]

    def _value(self) -> str:
        token = self._next
        if token.kind != "text" or not token.text:
            self._fail("a text in single quotes that is not empty")
        self._at += 1
        return token.text

    def _number(self) -> int:
        token = self._next
        if token.kind != "word" or not token.text.isdecimal():
            self._fail("a number")
        self._at += 1
        return int(token.text[:9])

    def _fail(self, wanted: str) -> NoReturn:
        raise _wrong(f"expected {wanted}", self._next.shown())


def _wrong(rule: str, found: str) -> Exception:
    shown = found if len(found) <= 60 else found[:57] + "..."
    return broken(names.SEARCH_BODY["sql"], f"{rule}, not {shown}", "", "see the documented subset")
