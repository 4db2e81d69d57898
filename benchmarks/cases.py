"""What is measured: each case is one job for some contenders, who take turns."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ALI = ("ali2", "ali2 async", "ali1")
RAW = ("raw httpx", "raw httpx async", "raw aiohttp")
BOTH = ("otabridge async", "otabridge")
PAGE = "page"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A job. `how` is the function that measures it, `given` its options and `tiny` those of a trial run.

    `shows` are the figures that are printed, the first of them the one by which contenders are compared; CPU and wall
    are those of one `unit`. `rounds` caps how often it is repeated. A case of no goal shows what else is usual.
    """

    name: str
    how: str
    contenders: tuple[str, ...]
    goal: str = "more"
    unit: str = "call"
    given: Mapping[str, Any] = field(default_factory=dict)
    tiny: Mapping[str, Any] = field(default_factory=dict)
    shows: tuple[str, ...] = ("cpu", "wall")
    rounds: int = 99


def called(name: str, job: str, contenders: tuple[str, ...], *, goal: str = "more", **given: Any) -> Case:
    """A case of calls."""
    return Case(
        name=name,
        goal=goal,
        how="calling:calls",
        contenders=contenders,
        given={"job": job, "count": 400, **given},
        tiny={"count": 2, "in_flight": min(2, given.get("in_flight", 1))},
    )


def in_flight(many: int) -> tuple[Case, ...]:
    """Calls of tasks, and of threads, so many at once; the one client of `hw` has threads alone."""
    goal = "P4" if many > 8 else "more"
    count: dict[str, Any] = {"count": 8 * many + 400, "in_flight": many}
    raw = ("raw httpx async", "raw httpx async, fitted", "raw aiohttp")
    tasks = f"{many} in flight, async"
    threads = f"{many} threads"
    sync = ("raw httpx", "hw", "otabridge")
    return (
        called(f"one module, {tasks}", "show_module", ("hw", *raw, "otabridge async"), goal=goal, **count),
        called(f"ten versions, {tasks}", "few_versions", (*raw, "ali2 async", "otabridge async"), goal=goal, **count),
        called(f"one module, {threads}", "show_module", sync, **count),
        called(f"ten versions, {threads}", "few_versions", ("raw httpx", "ali2", "ali1", "otabridge"), **count),
    )


def listed(name: str, kind: str, contenders: tuple[str, ...], *, goal: str = "more", rows: int = 400) -> Case:
    """A case of a list that is read row by row; a trial run reads so many `rows`."""
    given, tiny = {"kind": kind}, {"rows": rows}
    shows = ("cpu", "wall", "grown")
    return Case(
        name=name,
        goal=goal,
        how="listing:stream",
        contenders=contenders,
        unit=PAGE,
        given=given,
        tiny=tiny,
        shows=shows,
    )


def traced(case: Case, name: str) -> Case:
    """The same with every allocation traced, which takes time: for the memory alone."""
    return Case(
        name=name,
        goal=case.goal,
        how=case.how,
        contenders=case.contenders,
        given={**case.given, "traced": True},
        tiny=case.tiny,
        shows=("grown",),
        rounds=1,
    )


def late(name: str, contenders: tuple[str, ...], **given: Any) -> Case:
    """A case of pages that come 50 ms late."""
    shows = ("total_ms", "cpu")
    tiny = {"pages": 3, "work": 0.0}
    return Case(
        name=name,
        goal="P8",
        how="waiting:pages",
        contenders=contenders,
        unit=PAGE,
        given=given,
        tiny=tiny,
        shows=shows,
        rounds=3,
    )


def program(name: str, how: str, contenders: tuple[str, ...], *, goal: str = "more", **given: Any) -> Case:
    """A case of whole programs."""
    shows = ("cpu_ms", "wall_ms")
    return Case(
        name=name, goal=goal, how=f"programs:{how}", contenders=contenders, unit="program", given=given, shows=shows
    )


STREAMED = listed("100,000 versions, streamed", "version", (*RAW, *ALI, *BOTH), goal="P5")
KEPT = Case(
    name="100,000 versions, kept",
    goal="P6",
    how="listing:keep",
    contenders=(*RAW, *ALI, *BOTH),
    unit=PAGE,
    given={"kind": "version"},
    tiny={"kind": "numbered package"},
    shows=("cpu", "wall", "grown"),
)
TLS = called(
    "ten versions, 32 in flight, async, TLS",
    "few_versions",
    ("raw httpx async", "raw aiohttp", "ali2 async", "otabridge async"),
    goal="P4",
    count=200,
    in_flight=32,
    door="tls",
)

CASES = (
    program("import", "table", ("nothing", "httpx, pydantic, pluggy", "otabridge"), goal="P1", programs="imports"),
    program(
        "import and connect",
        "table",
        ("httpx", "hw", "ali2", "ali1", "otabridge (aliyun)", "otabridge"),
        goal="P1",
        programs="connected",
    ),
    program("first call, one module", "first_call", ("raw httpx", "hw", *BOTH), goal="P1", job="show_module"),
    program("first call, ten versions", "first_call", ("raw httpx", *ALI, *BOTH), goal="P1", job="few_versions"),
    called("one module, sync", "show_module", ("socket", "raw httpx", "hw", "otabridge"), goal="P2"),
    called("ten versions, sync", "few_versions", ("socket", "raw httpx", "ali2", "ali1", "otabridge"), goal="P2"),
    called("a new module, sync", "create_module", ("raw httpx", "hw", "otabridge")),
    called("ten versions, sync, TLS", "few_versions", ("raw httpx", "ali2", "otabridge"), door="tls"),
    called("one module, async", "show_module", (*RAW[1:], "hw", "otabridge async"), goal="P3"),
    called("ten versions, async", "few_versions", (*RAW[1:], "ali2 async", "otabridge async"), goal="P3"),
    called("a new module, async", "create_module", (*RAW[1:], "otabridge async")),
    *(case for many in (8, 32, 128) for case in in_flight(many)),
    TLS,
    STREAMED,
    traced(STREAMED, "100,000 versions, streamed, traced"),
    KEPT,
    traced(KEPT, "100,000 versions, kept, traced"),
    listed("20,000 devices by marker", "device", ("raw httpx", "hw", *BOTH), goal="P7", rows=100),
    listed("20,000 devices by number", "numbered device", ("raw httpx", "raw aiohttp", *ALI, *BOTH), rows=100),
    listed("500 packages by marker", "package", ("raw httpx", "hw", *BOTH), rows=100),
    listed("500 packages by number", "numbered package", ("raw httpx", *ALI, *BOTH), rows=200),
    late(
        "pages by number, 50 ms late",
        ("ali2", "one at a time, async", "8 in flight, async", "one at a time", "8 in flight"),
        kind="version",
        pages=160,
        work=0.0,
    ),
    late(
        "pages by marker, 50 ms late, 50 ms of work on each",
        ("hw", "one at a time, async", "the next one early, async", "one at a time", "the next one early"),
        kind="device",
        pages=40,
        work=0.05,
    ),
    Case(
        name="signatures",
        goal="P9",
        how="signing:signatures",
        contenders=(
            "SDK-HMAC-SHA256",
            "V11-HMAC-SHA256",
            "HMAC-SHA1 query",
            "HMAC-SHA1 form",
            "ACS3-HMAC-SHA256 query",
            "ACS3-HMAC-SHA256 form",
        ),
        unit="signature",
        given={"count": 5000},
        tiny={"count": 5},
        shows=("cpu",),
    ),
    program("help", "help_text", ("bare typer app", "bare typer app, no rich", "otabridge"), goal="P10"),
    Case(
        name="local store of 1,000,000 rows",
        goal="P11",
        unit="",
        how="local_store:store",
        contenders=("otabridge",),
        given={"rows": 1_000_000},
        tiny={"rows": 2_000},
        shows=("first", "again", "read", "page_ms", "grown", "first by wall", "again by wall"),
        rounds=1,
    ),
    Case(
        name="facade",
        goal="P12",
        unit="",
        how="facade:rates",
        contenders=(
            "huawei, 10 modules",
            "huawei, page of 50 devices",
            "tuya, 10 modules",
            "tuya, page of 200 versions",
        ),
        given={"seconds": 4.0},
        tiny={"seconds": 0.1, "warm_up": 0},
        shows=("rate", "grown"),
        rounds=3,
    ),
    Case(
        name="migration of 500 packages",
        unit="",
        how="migration:moved",
        contenders=("huawei", "tuya", "aliyun", "local"),
        given={"packages": 500},
        tiny={"packages": 10},
        shows=("apply_s", "plan_s", "apply_wall_s", "server_s", "packages"),
        rounds=2,
    ),
    Case(
        name="migration of 500 packages, traced",
        unit="",
        how="migration:moved",
        contenders=("local",),
        given={"packages": 500, "traced": True},
        tiny={"packages": 10},
        shows=("peak_mb",),
        rounds=1,
    ),
)
