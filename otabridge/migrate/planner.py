"""Planning: both sides are read and nothing is written; each module and package of the source becomes an item."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from otabridge import __version__
from otabridge.errors import ConfigurationError
from otabridge.flow import Steps, local
from otabridge.hookspecs import PlanNote
from otabridge.migrate.cases import Case, folded, judge, module_case, package_case
from otabridge.migrate.estimate import estimated, rationed
from otabridge.migrate.facts import Facts
from otabridge.migrate.fitting import marked
from otabridge.migrate.inventory import Found, everything, standing, whole
from otabridge.migrate.mapping import NameMap
from otabridge.migrate.model import FieldChange, Item, Kind, MigrationPlan, Side, Slots
from otabridge.migrate.rules import RULES, change
from otabridge.models import Module, Package
from otabridge.registry import Registry

Row = Module | Package
Checks = Callable[[MigrationPlan], Iterable[PlanNote]]

# Of a kind: the rule of a clash, the field that it is about, and the part of the target.
_CLASH: Mapping[Kind, tuple[str, str, str]] = {
    "module": ("module.name.clash", "module", "name"),
    "package": ("package.version.clash", "version", "version"),
}

log = logging.getLogger("otabridge")


def plugin_checks(plan: MigrationPlan) -> list[PlanNote]:
    """What the plugins that check plans say of this one."""
    registry = Registry()
    for plugin in registry.load_observers():
        log.warning("%s", plugin.broken)
    return registry.check_plan(plan)


def planned(
    *,
    source: Side,
    destination: Side,
    source_facts: Facts,
    destination_facts: Facts,
    products: Sequence[str] | None = None,
    mapping: NameMap | None = None,
    verify: bool = False,
    accept: Iterable[str] = (),
    update: bool = True,
    checks: Checks = plugin_checks,
) -> Steps[MigrationPlan]:
    """The plan from one cloud to another. ConfigurationError for names that the source does not have."""
    facts, mapping = destination_facts, mapping or NameMap()
    names = mapping.resolved(source_facts.products)
    wanted = None if products is None else sorted({source_facts.products.get(each, each) for each in products})
    here = yield from everything("source", wanted)
    if here.missing:
        raise ConfigurationError(f"{source.cloud} has no product {sorted(here.missing)[0]!r}: check its name")
    full = {row.product for row in here.modules} | {row.product for row in here.packages}
    for place in [f" of {each}" for each in wanted if each not in full] if wanted else [] if full else [""]:
        log.warning("%s has no modules and packages%s: check the name", source.cloud, place)
    here.packages = yield from whole("source", here.packages)
    names.check(_paths(here), products=wanted)
    targets = _targets(here, names, source_facts, facts)
    there = yield from standing(sorted({*filter(None, targets.values())}), facts)
    modules = _module_cases(here, names, facts, targets)
    packages = _package_cases(here, modules, names, facts, verify=verify)

    def judged(cases: Sequence[Case], rows: Sequence[Row], unique: str) -> Steps[list[Slots]]:
        _tell_apart(cases, rows, unique, facts)
        _clashes(cases, facts)
        stands = yield from _matched(cases, rows, facts)
        for case in cases:
            if case.action is None:
                judge(case, stands.get(case.key, ()), source_facts, facts, update=update)
            if case.action == "create" and case.target["product"] in there.missing:
                case.decide("unsupported", change("product.missing", "product", case.target["product"]))
        return rationed(cases, rows, facts, destination.cloud)

    slots = yield from judged(modules, there.modules, "module.alias")
    slots += yield from judged(packages, there.packages, "package.name")
    items = tuple(case.item() for case in sorted((*filter(_itemized, modules), *packages), key=_order))
    plan = MigrationPlan(
        source=source,
        destination=destination,
        made_at=facts.now().isoformat(timespec="seconds"),
        otabridge=__version__,
        items=items,
        estimate=estimated(items, source_facts, facts, slots),
        options={"products": wanted, "mapping": mapping.told(), "verify": verify, "update": update},
    )
    notes = yield from local(lambda: [*checks(plan)])
    return _accepting(_noted(plan, notes), {*accept})


# --- cases ------------------------------------------------------------------------------------------------------------


def _paths(found: Found) -> set[tuple[str, ...]]:
    return {(row.product, row.name) for row in found.modules} | {
        (row.product, row.module, row.version) for row in found.packages
    }


def _targets(found: Found, names: NameMap, source: Facts, facts: Facts) -> dict[str, str | None]:
    """Each product's id at the destination, None where it is left out: by the mapping, or by the users' own aliases."""
    aliases = {key: facts.products[alias] for alias, key in source.products.items() if alias in facts.products}
    targets: dict[str, str | None] = {}
    for product in {row.product for row in found.modules} | {row.product for row in found.packages}:
        mapped = names.of(product)
        known = facts.products.get(mapped, mapped) if mapped else aliases.get(product, product)
        targets[product] = None if mapped is False else known
    return targets


def _module_cases(here: Found, names: NameMap, facts: Facts, targets: Mapping[str, str | None]) -> list[Case]:
    """A case for each module of the source, and for each that only its packages tell of."""
    known = {(row.product, row.name): row for row in here.modules}
    used = {(row.product, row.module) for row in here.packages}
    lost = {key: Module(product=key[0], name=key[1]) for key in used - known.keys()}
    cases = []
    for key, row in sorted((known | lost).items()):
        if row.name.startswith("@") and key not in used:
            continue
        case = module_case(row, names, facts, targets[row.product])
        if key in lost and not row.name.startswith("@") and case.action is None:
            case.changes.append(change("module.missing", "module", row.name))
        cases.append(case)
    return cases


def _package_cases(here: Found, modules: Iterable[Case], names: NameMap, facts: Facts, *, verify: bool) -> list[Case]:
    places = {(case.row.product, case.row.name): case for case in modules if isinstance(case.row, Module)}
    rows = sorted(here.packages, key=lambda row: (row.product, row.module, row.version, row.id))
    cases = [package_case(row, places[row.product, row.module], names, facts, verify=verify) for row in rows]
    often = Counter(case.key for case in cases)
    for case in cases:
        if often[case.key] > 1 and isinstance(case.row, Package):
            case.key = f"{case.key} {case.row.id}"  # a source may keep several of one version
    return cases


def _itemized(module: Case) -> bool:
    """Whether a module is an item: one that is built in on both sides is not."""
    return not (module.row.name.startswith("@") and module.target["name"].startswith("@"))  # type: ignore[union-attr]


def _order(case: Case) -> tuple[str, ...]:
    row = case.row
    return (
        (row.product, row.name, "") if isinstance(row, Module) else (row.product, row.module, "-", row.version, row.id)
    )


# --- the destination --------------------------------------------------------------------------------------------------


def _place(row: Module | Package, facts: Facts) -> tuple[str, ...]:
    """The key of a row, as the destination compares keys."""
    key = (row.product, row.name) if isinstance(row, Module) else (row.product, row.module, row.version)
    return folded(key, facts)


def _target(case: Case, facts: Facts) -> tuple[str, ...]:
    """The key that a case shall have there."""
    words = ("product", "name") if case.kind == "module" else ("product", "module", "version")
    return folded(tuple(case.target[word] for word in words), facts)


def _matched(cases: Sequence[Case], rows: Sequence[Row], facts: Facts) -> Steps[Mapping[str, Sequence[Row]]]:
    """What stands at the destination in the place of each open case."""
    at: dict[Any, list[Row]] = {}
    for row in rows:
        at.setdefault(_place(row, facts), []).append(row)
    found = {case.key: at[key] for case in cases if case.action is None and (key := _target(case, facts)) in at}
    packages = {row.id: row for each in found.values() for row in each if isinstance(row, Package)}
    if not packages:
        return found
    known: dict[Any, Any] = {row.id: row for row in (yield from whole("destination", [*packages.values()]))}
    return {key: [known[row.id] for row in each if row.id in known] for key, each in found.items()}


def _clashes(cases: Sequence[Case], facts: Facts) -> None:
    """Decide what cannot be since two of the source fall on one place."""
    at: dict[Any, list[Case]] = {}
    for case in cases:
        # Several modules may become one that is built in: only their packages can clash.
        built_in = case.kind == "module" and case.target["name"].startswith("@")
        lost = case.place and case.place.action in ("conflict", "unsupported")  # which is reason enough
        if case.action is None and not built_in and not lost:
            at.setdefault(_target(case, facts), []).append(case)
    for rivals in at.values():
        for case in rivals if len(rivals) > 1 else ():
            rule, word, part = _CLASH[case.kind]
            name, field = case.target[part], rule.removesuffix(".clash")
            others = ", ".join(each.key for each in rivals if each is not case)
            other = None if case is rivals[0] else marked(name, facts.limits.text.get(field), case.key)
            case.decide("conflict", change(rule, word, name, other, detail=others))


def _tell_apart(cases: Sequence[Case], rows: Sequence[Row], field: str, facts: Facts) -> None:
    """Put digits behind the texts that must be unique at the destination and are not."""
    if field not in facts.traits.unique_keys:
        return
    word, limit = field.partition(".")[2], facts.limits.text.get(field)
    there = {_place(row, facts): getattr(row, word) for row in rows}
    holders: dict[str, set[tuple[str, ...]]] = {}
    open_ = [case for case in cases if case.action is None and case.target.get(word)]
    for text, key in (
        *((case.target[word], _target(case, facts)) for case in open_),
        *((there[key], key) for key in there),
    ):
        holders.setdefault(text, set()).add(key)
    for case in open_:
        text, key = case.target[word], _target(case, facts)
        other = marked(text, limit, case.key)
        # What stands there already was made so by an earlier run.
        new = there[key] if there.get(key) in (text, other) else other if holders[text] - {key} else text
        if new != text:
            old = getattr(case.row, word)
            case.changes = [each for each in case.changes if each.field != word]
            case.changes.append(change(f"{field}.unique", word, old, new))
            case.target[word] = new


# --- what others say --------------------------------------------------------------------------------------------------


def _noted(plan: MigrationPlan, notes: Iterable[PlanNote]) -> MigrationPlan:
    """The plan with the notes of plugins among the fields of its items."""
    added: dict[str, list[FieldChange]] = {}
    for note in notes:
        told = FieldChange(field=note.field, fate="exact", severity=note.severity, rule=note.rule, words=note.words)
        added.setdefault(note.item, []).append(told)
    if unknown := sorted(added.keys() - {item.key for item in plan.items}):
        raise ConfigurationError(
            f"a plugin has a note on {unknown[0]!r}, which is no item of the plan: mend the plugin"
        )

    def whole_item(item: Item) -> Item:
        return replace(item, fields=(*item.fields, *added[item.key])) if item.key in added else item

    return replace(plan, items=tuple(map(whole_item, plan.items))) if added else plan


def _accepting(plan: MigrationPlan, rules: set[str]) -> MigrationPlan:
    known = {*RULES, *(each.rule for item in plan.items for each in item.fields)}
    for rule in sorted(rules - known):
        near = get_close_matches(rule, known, 1)
        raise ConfigurationError(f"no rule is called {rule!r}" + (f": did you mean {near[0]}?" if near else ""))
    return plan.accepting(rules)
