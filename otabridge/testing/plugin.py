"""The pytest plugin: clouds on loopback for one test, and faults that must fire. It loads nothing until it is used."""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from otabridge.serve import Server
    from otabridge.testing.ground import Ground

pytest.register_assert_rewrite("otabridge.testing.groups", "otabridge.testing.facades")
TARGETS = ("facade", "cassette", "live")
MARKERS = (
    "otabridge_needs(*operations): skipped where the backend has not all of these operations",
    "otabridge_covers(*operations): proves something of these operations, and is skipped without them",
    "otabridge_behind: skipped where the kit cannot look behind the backend",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """What a conformance run is tried against, and where it reports."""
    group = parser.getgroup("otabridge", "conformance of backends")
    group.addoption(
        "--otabridge-target",
        choices=TARGETS,
        default="facade",
        help="what backends are tried against: their own facade, what is on record, or (`live` settings) a real cloud",
    )
    group.addoption("--otabridge-backend", metavar="NAME", help="run the conformance classes of this backend alone")
    group.addoption("--otabridge-report", metavar="PATH", help="write what was proven to a JSON file")


def pytest_configure(config: pytest.Config) -> None:
    """Make the markers known, and listen for the report where one is wanted."""
    for line in MARKERS:
        config.addinivalue_line("markers", line)
    path = config.getoption("otabridge_report")
    if path:
        from otabridge.testing.report import Report

        config.pluginmanager.register(Report(Path(path), config.getoption("otabridge_target")))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is of other backends, and mark the gaps that are known."""
    wanted = config.getoption("otabridge_backend")
    if wanted:
        others = [item for item in items if _backend_of(item) != wanted]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in others]
    for item in items:
        gaps = getattr(getattr(item, "cls", None), "known_gaps", None)
        for gap, reason in gaps.items() if isinstance(gaps, Mapping) else ():
            if _means(gap, item):
                words, raises = str(getattr(reason, "reason", reason)), getattr(reason, "raises", None)
                item.add_marker(pytest.mark.xfail(strict=True, reason=words, raises=raises))


def _backend_of(item: pytest.Item) -> str | None:
    kind_of = getattr(getattr(item, "cls", None), "kind_of", None)
    return str(kind_of().name) if kind_of else None


def _means(gap: str, item: pytest.Item) -> bool:
    """Whether a known gap, `test` or `test[part-part]`, is of this test with these parameters."""
    test, _, parts = gap.partition("[")
    given = item.name.partition("[")[2].removesuffix("]").split("-")
    return test == getattr(item, "originalname", item.name) and {*parts.removesuffix("]").split("-")} - {""} <= {*given}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Try each exchange that a class has on record."""
    if "otabridge_exchange" in metafunc.fixturenames:
        from otabridge.testing.groups.recorded import exchanges

        metafunc.parametrize("otabridge_exchange", exchanges(metafunc.cls or type))


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Without a facade much cannot be prepared from behind: such a test is skipped, and says what was missing."""
    suite = pyfuncitem.cls
    mirrored = pyfuncitem.config.getoption("otabridge_target") == "facade" and getattr(suite, "facade", "") is not None
    if mirrored or not hasattr(suite, "lay"):
        return (yield)
    from otabridge.errors import UnsupportedError

    try:
        return (yield)
    except UnsupportedError as error:
        pytest.skip(f"the ground cannot be prepared: {error}")


@pytest.fixture(scope="class")
def otabridge_ground(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Ground]":
    """The ground of a conformance class."""
    target = request.config.getoption("otabridge_target")
    with request.cls.lay(tmp_path_factory.mktemp("kit"), target) as ground:
        yield ground


@pytest.fixture
def otabridge_serve() -> "Iterator[Callable[..., Server]]":
    """Serve clouds, as `otabridge.serve.running` does, until the test ends.

    A fault of the script that never fired fails the test, unless `check_faults=False` was said.
    """
    checked: list[Server] = []
    with ExitStack() as stack:

        def serve(*facades: str, check_faults: bool = True, **options: Any) -> "Server":
            from otabridge.serve import running

            server = stack.enter_context(running(*facades, **options))
            if check_faults:
                checked.append(server)
            return server

        yield serve
    for server in checked:
        server.faults.check()
