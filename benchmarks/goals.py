"""The goals, as ratios of figures of one case, or as bare figures."""

from dataclasses import dataclass

FASTEST_SDK = "the fastest SDK"
OURS, ASYNC = "otabridge", "otabridge async"


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """`figure` of `ours` is at `most` so many times the peer's, or the peer's is at `least` so many times ours.

    Without a peer the bare figure is meant.
    """

    number: str
    case: str
    peer: str | None = None
    ours: str = OURS
    figure: str = "cpu"
    most: float | None = None
    least: float | None = None


def at_most(number: str, case: str, peers: dict[str, float], ours: str = OURS, figure: str = "cpu") -> list[Goal]:
    """Goals beside several peers: no more than so many times as much."""
    return [
        Goal(number=number, case=case, peer=it, ours=ours, figure=figure, most=limit) for it, limit in peers.items()
    ]


def faster(number: str, case: str, peers: dict[str, float], ours: str = ASYNC, figure: str = "wall") -> list[Goal]:
    """Goals beside several peers: so many times as fast."""
    return [
        Goal(number=number, case=case, peer=it, ours=ours, figure=figure, least=limit) for it, limit in peers.items()
    ]


def bare(
    number: str, case: str, ours: str, figure: str, *, most: float | None = None, least: float | None = None
) -> Goal:
    """A goal of a figure as it is."""
    return Goal(number=number, case=case, ours=ours, figure=figure, most=most, least=least)


GOALS = sorted(
    (
        *at_most("P1", "import", {"httpx, pydantic, pluggy": 1.15}, figure="cpu_ms"),
        *at_most("P1", "import and connect", {"hw": 0.85, "ali2": 0.50}, figure="cpu_ms"),
        *at_most("P2", "one module, sync", {"raw httpx": 1.00, "hw": 0.50}),
        *at_most("P2", "ten versions, sync", {"raw httpx": 1.00, "ali2": 0.95}),
        *at_most("P3", "one module, async", {"raw httpx async": 0.60, "hw": 0.50}, ASYNC),
        *at_most("P3", "ten versions, async", {"raw httpx async": 0.60, "ali2 async": 0.65}, ASYNC),
        *(
            goal
            for many in (32, 128)
            for goal in (
                *faster("P4", f"one module, {many} in flight, async", {"hw": 3.0, "raw httpx async": 8.0}),
                *at_most("P4", f"one module, {many} in flight, async", {"raw aiohttp": 3.0}, ASYNC),
                *faster("P4", f"ten versions, {many} in flight, async", {"ali2 async": 1.6, "raw httpx async": 8.0}),
                *at_most("P4", f"ten versions, {many} in flight, async", {"raw aiohttp": 3.0}, ASYNC),
            )
        ),
        *faster("P4", "ten versions, 32 in flight, async, TLS", {"ali2 async": 20.0}),
        *(
            goal
            for ours in (OURS, ASYNC)
            for goal in (
                *at_most("P5", "100,000 versions, streamed", {FASTEST_SDK: 0.85}, ours),
                bare("P5", "100,000 versions, streamed", ours, "grown", most=3.0),
                bare("P5", "100,000 versions, streamed, traced", ours, "grown", most=3.0),
                *at_most("P6", "100,000 versions, kept", {FASTEST_SDK: 0.90}, ours),
                bare("P6", "100,000 versions, kept", ours, "grown", most=35.0),
                bare("P6", "100,000 versions, kept, traced", ours, "grown", most=35.0),
                *at_most("P7", "20,000 devices by marker", {"hw": 0.40}, ours),
            )
        ),
        *(
            goal
            for colour in ("", ", async")
            for goal in (
                *faster(
                    "P8",
                    "pages by number, 50 ms late",
                    {f"one at a time{colour}": 7.0},
                    f"8 in flight{colour}",
                    "total_ms",
                ),
                *at_most(
                    "P8",
                    "pages by marker, 50 ms late, 50 ms of work on each",
                    {f"one at a time{colour}": 0.60},
                    f"the next one early{colour}",
                    "total_ms",
                ),
            )
        ),
        *(
            bare("P9", "signatures", kind, "cpu", most=15.0)
            for kind in (
                "SDK-HMAC-SHA256",
                "V11-HMAC-SHA256",
                "HMAC-SHA1 query",
                "HMAC-SHA1 form",
                "ACS3-HMAC-SHA256 query",
                "ACS3-HMAC-SHA256 form",
            )
        ),
        *at_most("P10", "help", {"bare typer app": 1.3, "bare typer app, no rich": 1.3}, figure="cpu_ms"),
        bare("P11", "local store of 1,000,000 rows", OURS, "first", least=50_000),
        bare("P11", "local store of 1,000,000 rows", OURS, "again", least=50_000),
        bare("P11", "local store of 1,000,000 rows", OURS, "page_ms", most=1.0),
        bare("P12", "facade", "huawei, 10 modules", "rate", least=1_200),
        bare("P12", "facade", "tuya, 10 modules", "rate", least=1_200),
        bare("P12", "facade", "tuya, page of 200 versions", "rate", least=600),
    ),
    key=lambda goal: int(goal.number.removeprefix("P")),
)
