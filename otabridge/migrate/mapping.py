"""The mapping file: what products, modules and versions are called at the destination, and what is left out.

TOML that a person reviews: `[products]`, `[modules.PRODUCT]` and `[versions.PRODUCT.MODULE]`, each `name = "other"`, or
`name = false` for what is not migrated. Names on the left are the source's.
"""

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from otabridge.errors import ConfigurationError
from otabridge.migrate.model import Item, MigrationPlan

Target = str | Literal[False]
Path = tuple[str, ...]
DEPTHS = {"products": 1, "modules": 2, "versions": 3}  # names below each table
_WORDS = ("product", "module", "version")
_BARE = re.compile(r"[A-Za-z0-9_-]+").fullmatch


@dataclass(frozen=True, slots=True)
class NameMap:
    """Names of the source, as (product,), (product, module) or (product, module, version) -> the destination's."""

    names: Mapping[Path, Target] = field(default_factory=dict)
    lines: Mapping[Path, int] = field(default_factory=dict, compare=False, repr=False)
    file: str = field(default="the mapping", compare=False)

    def of(self, *path: str) -> Target | None:
        """What a product, module or version is called at the destination; False to leave it out, None if unsaid."""
        return self.names.get(path)

    def resolved(self, aliases: Mapping[str, str]) -> "NameMap":
        """The same with the user's aliases of products at the source replaced by their ids."""
        known = {path: (aliases.get(path[0], path[0]), *path[1:]) for path in self.names}
        lines = {known[path]: line for path, line in self.lines.items() if path in known}
        return NameMap({known[path]: target for path, target in self.names.items()}, lines, self.file)

    def check(self, there: Iterable[Path], *, products: Sequence[str] | None = None) -> None:
        """Raise ConfigurationError if a name is none of the source's; only `products` were read, if they are given."""
        known = {path[:length] for path in there for length in range(1, len(path) + 1)}
        for path in self.names:
            if products is not None and path[0] not in products:
                continue
            for length in range(1, len(path) + 1):
                if path[:length] not in known:
                    raise ConfigurationError(self._unknown(path, path[:length], known))

    def told(self) -> dict[str, Any]:
        """As the file has it, for the plan."""
        found: dict[str, Any] = {}
        for path, target in sorted(self.names.items()):
            table = found.setdefault([*DEPTHS][len(path) - 1], {})
            for part in path[:-1]:
                table = table.setdefault(part, {})
            table[path[-1]] = target
        return found

    def _unknown(self, entry: Path, path: Path, known: set[Path]) -> str:
        beside = sorted(each[-1] for each in known if len(each) == len(path) and each[:-1] == path[:-1])
        shown = ", ".join(beside[:10]) + (", …" if len(beside) > 10 else "") or "none"
        place = " of ".join(f"{word} {name!r}" for word, name in [*zip(_WORDS, path, strict=False)][-2::-1])
        at = f"{self.file}, line {self.lines[entry]}" if entry in self.lines else self.file
        word = _WORDS[len(path) - 1]
        told = f"the source has no {word} {path[-1]!r}{f' in {place}' if place else ''}; it has: {shown}"
        return f"{at}: {_dotted(entry)}: {told}"


def read_mapping(text: str, *, file: str = "the mapping") -> NameMap:
    """The names in a mapping file. ConfigurationError, in words with the line, if it is none."""
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file}: {error}") from None
    if unknown := sorted(told.keys() - DEPTHS):
        raise ConfigurationError(f"{file}: there is no table {unknown[0]!r}: there are {', '.join(DEPTHS)}")
    lines = dict(_lines(text))
    names: dict[Path, Target] = {}
    for table, depth in DEPTHS.items():
        for path, value in _leaves(told.get(table, {}), depth, (table,)):
            line = lines.get((table, *path))
            if len(path) != depth or not (value is False or (isinstance(value, str) and value)):
                at = f"{file}, line {line}" if line else file
                wanted = f"[{'.'.join((table, *(word.upper() for word in _WORDS[: depth - 1])))}]"
                raise ConfigurationError(
                    f'{at}: {".".join((table, *path))}: must be name = "another" or name = false, below {wanted}'
                )
            names[path] = value
    return NameMap(names, {path: line for (_, *path_), line in lines.items() if (path := (*path_,)) in names}, file)


def drafted(plan: MigrationPlan) -> str:
    """A mapping file for a plan: every product and module as they are, and a proposal for what must be renamed."""
    options = plan.options.get("mapping", {})
    entries: dict[Path, tuple[str | bool, str]] = {}
    for item in plan.items:
        product, module = item.source["product"], item.source["name" if item.kind == "module" else "module"]
        skipped = options.get("products", {}).get(product) is False
        entries.setdefault(("products", product), (False if skipped else item.target.get("product", product), ""))
        to = item.target.get("name" if item.kind == "module" else "module", module)
        entries.setdefault(("modules", product, module), _proposed(item, "module", to))
        if item.kind == "package":
            version = item.source["version"]
            proposal, note = _proposed(item, "version", item.target.get("version", version))
            if proposal != version or note:
                entries.setdefault(("versions", product, module, version), (proposal, note))
    head = "# What things are called at the destination. false leaves one out; what is not named keeps its name.\n"
    return head + "".join(_tables(entries))


def _proposed(item: Item, word: str, to: str) -> tuple[str | bool, str]:
    """What a name shall be, and why, where it cannot be what it is."""
    for change in item.fields:
        if change.field == word and change.fate == "unsupported":
            return (change.new or to, change.words)
    return (False if item.action == "skip" and word == ("module" if item.kind == "module" else "version") else to, "")


def _tables(entries: Mapping[Path, tuple[str | bool, str]]) -> Iterator[str]:
    header: Path = ()
    for path, (target, note) in sorted(entries.items(), key=lambda entry: ([*DEPTHS].index(entry[0][0]), entry[0])):
        if path[:-1] != header:
            header = path[:-1]
            yield f"\n[{_dotted_keys(header)}]\n"
        value = _quoted(target) if isinstance(target, str) else "false"
        yield f"{_key(path[-1])} = {value}{f'  # {_line(note)}' if note else ''}\n"


def _leaves(value: Any, depth: int, table: Sequence[str], path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if not isinstance(value, dict) or len(path) == depth:
        yield path, value
        return
    for name, inner in value.items():
        yield from _leaves(inner, depth, table, (*path, name))


def _lines(text: str) -> Iterator[tuple[Path, int]]:
    """The lines that entries stand in, where each has one: TOML's own reader does not tell."""
    header: Path = ()
    for number, line in enumerate(text.splitlines(), 1):
        try:
            found: Any = tomllib.loads(line)
        except tomllib.TOMLDecodeError:
            continue
        path: list[str] = []
        while isinstance(found, dict) and len(found) == 1:
            ((name, found),) = found.items()
            path.append(name)
        if line.lstrip().startswith("["):
            header = (*path,)
        elif path:
            yield (*header, *path), number


def _dotted(entry: Path) -> str:
    return ".".join(([*DEPTHS][len(entry) - 1], *entry))


def _dotted_keys(path: Path) -> str:
    return ".".join(map(_key, path))


def _key(name: str) -> str:
    return name if _BARE(name) else _quoted(name)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _line(note: str) -> str:
    return "".join(each if each.isprintable() else " " for each in note)
