"""What an apply costs: calls, bytes, the seconds that quotas alone take, and the places that are left."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from otabridge.capabilities import Capability as Op
from otabridge.migrate.cases import Case
from otabridge.migrate.facts import Facts
from otabridge.migrate.model import Estimate, Item, Slots
from otabridge.migrate.rules import change
from otabridge.migrate.steps import Where
from otabridge.models import Module, Package
from otabridge.pacing import CEILING, EVERYTHING

# What each item is read again by at the source, and what its action takes at the destination; files are counted apart.
_READ: Mapping[str, Op] = {"module": Op.GET_MODULE, "package": Op.GET_PACKAGE}
_CALLS: Mapping[tuple[str, str], tuple[Op, ...]] = {
    ("module", "create"): (Op.CREATE_MODULE, Op.GET_MODULE),
    ("module", "update"): (Op.GET_MODULE, Op.UPDATE_MODULE, Op.GET_MODULE),
    ("module", "adopt"): (Op.GET_MODULE,),
    ("package", "create"): (Op.CREATE_PACKAGE, Op.GET_PACKAGE),
    ("package", "update"): (Op.GET_PACKAGE, Op.UPDATE_PACKAGE, Op.GET_PACKAGE),
    ("package", "adopt"): (Op.GET_PACKAGE,),
}


def estimated(items: Iterable[Item], source: Facts, facts: Facts, slots: Sequence[Slots]) -> Estimate:
    """The cost of a plan's items; sizes that the source does not tell are not in it."""
    calls: dict[Where, Counter[str]] = {"source": Counter(), "destination": Counter()}
    size = 0
    for item in items:
        if operations := _CALLS.get((item.kind, item.action)):
            calls["source"][_READ[item.kind].value] += 1
            calls["destination"].update(each.value for each in operations)
        compared = item.action == "adopt" and "artifact.digest.incomparable" in item.rules("info")
        if item.files and (item.action == "create" or compared):
            calls["source"][Op.OPEN_ARTIFACT.value] += len(item.files)
            calls["destination"][(Op.OPEN_ARTIFACT if compared else Op.STAGE_ARTIFACT).value] += len(item.files)
            size += sum(file.size or 0 for file in item.files)
    sides = {"source": source, "destination": facts}
    seconds = max(_seconds(calls[where], side) for where, side in sides.items())  # type: ignore[index]
    told: dict[str, dict[str, int]] = {where: dict(sorted((+counter).items())) for where, counter in calls.items()}
    return Estimate(calls=told, bytes=size, seconds=round(seconds, 3), slots=(*slots,))


def _seconds(calls: Mapping[str, int], facts: Facts) -> float:
    """The least time: each quota's calls at its rate, all quotas side by side."""
    if not facts.rates:
        return 0.0
    spent: Counter[str] = Counter()
    for operation, count in calls.items():
        for name in facts.spends.get(Op(operation), (operation,)):
            spent[name] += count
    usual = facts.rates.get(EVERYTHING) or max(facts.rates.values())
    return max((count / (facts.rates.get(name, usual) * CEILING) for name, count in spent.items()), default=0.0)


def rationed(cases: Sequence[Case], there: Sequence[Module | Package], facts: Facts, cloud: str) -> list[Slots]:
    """The places of what is to be made; what has none left is decided to be unsupported, last ones first."""
    kind = cases[0].kind if cases else "module"
    found = []
    for count, limit in sorted(facts.limits.counts.items()):
        what, _, scope = count.partition(" per ")
        if what != f"{kind}s":
            continue
        of = _scope(scope, cloud)
        used = Counter(of(row.product, _module(row)) for row in there if not getattr(row, "builtin", False))
        needed: Counter[str] = Counter()
        for case in cases:
            if case.action == "create":
                place = of(case.target["product"], case.target["name" if kind == "module" else "module"])
                needed[place] += 1
                if used[place] + needed[place] > limit:
                    detail = f"{limit} {count}, of which {used[place]} are taken"
                    case.decide("unsupported", change(f"count.{what}", kind, detail=detail))
        found += [
            Slots(count=count, of=place, limit=limit, used=used[place], needed=number)
            for place, number in sorted(needed.items())
        ]
    return found


def _scope(scope: str, cloud: str) -> Callable[[str, str], str]:
    """What a count is of, by the words behind its `per`."""
    scopes: Mapping[str, Callable[[str, str], str]] = {
        "product": lambda product, module: product,
        "module": lambda product, module: f"{product}/{module}",
    }
    return scopes.get(scope, lambda product, module: cloud)


def _module(row: Module | Package) -> str:
    return row.name if isinstance(row, Module) else row.module
