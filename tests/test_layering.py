"""House rules, read from the source: who may import whom, which words stand where, how long a file may be."""

import ast
import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from otabridge import models
from otabridge.limits import ARGUMENT_FIELDS
from otabridge.registry import Registry

ROOT = Path(__file__).parents[1]
CORE = sorted((ROOT / "otabridge").rglob("*.py"))
PLUGINS = {folder.name: sorted((folder / "src").rglob("*.py")) for folder in sorted((ROOT / "plugins").iterdir())}
SHIPPED = [*CORE, *(path for files in PLUGINS.values() for path in files)]
OURS = [
    *SHIPPED,
    *(path for place in ("tests", "plugins", "benchmarks", "docs") for path in (ROOT / place).rglob("*.py")),
]

LAYERS = [
    "models errors capabilities limits",  # values
    # mechanics
    "wire flow files links transfers progress paging offsets windows signing retry pacing redact rows settings markup",
    "backend facade objects hookspecs plugin",  # contract
    "registry config _exchange _connection _session _drivers _runners _connect",  # runtime
    "_listing _ahead _calls client aio __init__",  # surface
    "serve testing migrate",
    "cli __main__",
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names.split()}
# What a plugin's facade may import beside the plugin module: a backend alone should not pay for loading it.
MIRROR = {"facade", "markup", "objects", "windows"}
HTTP = {"httpx", "aiohttp", "httpcore", "yarl", "requests", "urllib3", "socket", "http"}


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imports(path: Path, *, typing: bool = True) -> Iterator[str]:
    """Every module that a file imports, wherever in it; `typing=False` leaves out what only a type checker sees."""

    def below(node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test) and not typing:
            for statement in node.orelse:
                yield from below(statement)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{shown(path)}: a relative import"
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        else:
            for child in ast.iter_child_nodes(node):
                yield from below(child)

    return below(ast.parse(path.read_text("utf-8")))


def home(module: str) -> str:
    """The second part of `otabridge.X...`: the module of core that an import names."""
    parts = module.split(".")
    return parts[1] if parts[0] == "otabridge" and len(parts) > 1 else ""


def offences(files: Iterable[Path], look: Callable[[Path], Iterable[object]]) -> dict[str, list[object]]:
    """What a rule finds, by file; an empty table is a kept rule."""
    return {shown(path): found for path in files if (found := sorted(look(path), key=str))}


# --- who imports whom -------------------------------------------------------------------------------------------------


def part(path: Path) -> str:
    """The module of core that a file is, or is in."""
    return path.relative_to(ROOT / "otabridge").parts[0].removesuffix(".py")


def test_every_module_of_core_has_a_layer() -> None:
    assert {part(path) for path in CORE} - {*LEVEL, "local"} == set()


def test_a_layer_imports_its_own_and_those_below() -> None:
    def too_high(path: Path) -> Iterator[str]:
        return (name for name in imports(path, typing=False) if LEVEL.get(home(name), 0) > LEVEL[part(path)])

    assert offences((path for path in CORE if part(path) != "local"), too_high) == {}


def test_only_the_registry_imports_the_local_backend() -> None:
    importers = [shown(path) for path in CORE if part(path) != "local" and "local" in map(home, imports(path))]
    assert importers == ["otabridge/registry.py"]


def test_the_local_backend_is_a_plugin_like_any_other() -> None:
    def of_core(path: Path) -> set[str]:
        return {home(name) for name in imports(path)} - {"", "local", "plugin", "errors", "models", "files"}

    assert offences((path for path in CORE if part(path) == "local"), of_core) == {}


@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_plugin_imports_of_core_the_plugin_module_alone_and_no_other_plugin(plugin: str) -> None:
    def foreign(path: Path) -> Iterator[str]:
        ours = (name for name in imports(path) if name.startswith("otabridge"))
        known = {"plugin", *(MIRROR if "facade" in path.stem or "objects" in path.stem else ())}
        return (name for name in ours if home(name) not in known and name.partition(".")[0] != plugin.replace("-", "_"))

    assert offences(PLUGINS[plugin], foreign) == {}


def test_http_is_the_drivers_alone() -> None:
    def speaks(path: Path) -> set[str]:
        return {name.partition(".")[0] for name in imports(path, typing=False)} & HTTP

    # The host listens, which is no request.
    files = [path for path in SHIPPED if "serve" not in path.parts]
    assert offences(files, speaks) == {
        "otabridge/_drivers.py": ["httpx"],
        "otabridge/_connection.py": ["http", "socket"],
        "otabridge/_session.py": ["aiohttp", "yarl"],
    }
    assert offences(set(SHIPPED) - {*files}, lambda path: speaks(path) - {"socket"}) == {}


def test_the_clock_and_chance_are_asked_in_one_place() -> None:
    def asks(path: Path) -> set[str]:
        return {name.partition(".")[0] for name in imports(path)} & {"time", "random", "uuid", "secrets"}

    # The local store waits for locks by itself; everything that makes requests has its World.
    files = [path for path in SHIPPED if not {"local", "cli", "serve"} & {*path.parts}]
    expected = {
        "otabridge/signing.py": ["random", "time", "uuid"],
        "otabridge/testing/facades.py": ["random"],
    }  # seeded
    assert offences(files, asks) == expected


# --- which words stand where ------------------------------------------------------------------------------------------

VENDOR = re.compile(r"huawei|iotda|tuya|aliyun|alibaba|hawkbit|(?<![a-z0-9])obs(?![a-z0-9])", re.IGNORECASE)


def test_core_names_no_vendor() -> None:
    def named(path: Path) -> Iterator[str]:
        lines = enumerate(path.read_text("utf-8").splitlines(), 1)
        return (f"{number}: {line.strip()}" for number, line in lines if VENDOR.search(line))

    assert offences(CORE, named) == {}


def strings(path: Path) -> Iterator[str]:
    """Every string of a file that is no docstring, and every keyword with a capital."""
    tree = ast.parse(path.read_text("utf-8"))
    prose = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in prose:
            yield node.value
        elif isinstance(node, ast.keyword) and node.arg and node.arg != node.arg.lower():
            yield node.arg


def words_of_the_model() -> set[str]:
    rows = [cls for cls in vars(models).values() if dataclasses.is_dataclass(cls)]
    return {*ARGUMENT_FIELDS, *(field.name for cls in rows for field in dataclasses.fields(cls))}


COMPOUND = re.compile(r"[A-Za-z]+(?:_[A-Za-z0-9]+)+|[A-Za-z][a-z0-9]+(?:[A-Z][a-z0-9]*)+").fullmatch


@pytest.mark.parametrize("plugin", PLUGINS)
def test_only_the_schema_of_a_plugin_knows_the_vendors_field_names(plugin: str) -> None:
    schemas = [path for path in PLUGINS[plugin] if path.name.startswith("schema")]
    settings = {field for name in Registry().names() for field in Registry().backend(name).settings.model_fields}
    names = {text for path in schemas for text in strings(path) if COMPOUND(text)} - words_of_the_model() - settings
    assert len(names) > 5, "the schema's field names were not found"
    # A signer knows the protocol's headers.
    others = [path for path in PLUGINS[plugin] if path not in schemas and path.name != "signing.py"]
    assert offences(others, lambda path: names & {*strings(path)}) == {}


# --- the manner -------------------------------------------------------------------------------------------------------

LONGEST, ROOMY = 310, 380
REASONS = {
    "otabridge/backend.py": "one class, whose docstrings are the plugin author's reference",
    "otabridge/client.py": "the whole sync surface, beside its twin",
    "otabridge/aio.py": "the whole async surface, beside its twin",
    "otabridge/_drivers.py": "the one file that speaks HTTP",
}


def documented(path: Path) -> Iterator[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_every_module_says_what_lives_there() -> None:
    def silent(path: Path) -> list[str]:
        text = path.read_text("utf-8")
        return [] if not text.strip() or ast.get_docstring(ast.parse(text)) else ["no docstring"]

    assert offences(OURS, silent) == {}


def test_a_file_can_be_read_at_one_sitting_or_has_a_reason() -> None:
    def long(path: Path) -> list[int]:
        bound = ROOMY if shown(path) in REASONS else LONGEST
        return [lines for lines in (len(path.read_text("utf-8").splitlines()),) if lines > bound]

    assert offences(SHIPPED, long) == {}
    assert all((ROOT / path).is_file() for path in REASONS)


def test_public_classes_and_functions_are_explained() -> None:
    def silent(path: Path) -> Iterator[str]:
        for node in ast.parse(path.read_text("utf-8")).body:
            if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            # A function of one line explains itself.
            short = not isinstance(node, ast.ClassDef) and len(node.body) == 1
            if not (short or node.name.startswith("_") or ast.get_docstring(node)):
                yield node.name

    assert offences(SHIPPED, silent) == {}


def test_docstrings_are_short() -> None:
    def long(path: Path) -> Iterator[str]:
        return (node.name for node in documented(path) if len((ast.get_docstring(node) or "").splitlines()) > 7)

    assert offences(SHIPPED, long) == {}


def test_every_function_says_what_it_returns() -> None:
    def bare(path: Path) -> Iterator[str]:
        return (node.name for node in documented(path) if not isinstance(node, ast.ClassDef) and node.returns is None)

    assert offences(SHIPPED, bare) == {}


@pytest.mark.parametrize("plugin", PLUGINS)
def test_every_plugin_has_the_same_files(plugin: str) -> None:
    folder = ROOT / "plugins" / plugin
    names = {path.name for path in (folder / "src" / plugin.replace("-", "_")).iterdir()}
    assert {"__init__.py", "py.typed", "backend.py", "schema.py", "signing.py", "settings.py", "tables.py"} <= names
    assert [name for name in names if name.startswith("hooks")]
    assert (folder / "README.md").is_file()
    assert (folder / "tests").is_dir()
