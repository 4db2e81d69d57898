"""The drawing of a report: bands from the source's modules to the destination's, as wide as their packages are many."""

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape

from otabridge.migrate.model import Item
from otabridge.migrate.record import Record
from otabridge.migrate.telling import standing, value_words

NOWHERE = "not carried over"
REST = "other modules"
MOST = 40  # modules, of which those with the fewest packages are drawn as one
WIDTH, LEFT, RIGHT, NODE, GAP, LINE = 960, 300, 650, 10, 10, 18
HEIGHT = 480  # of all bands together, about
_CLASSES: Mapping[str, str] = {
    **dict.fromkeys(("create", "adopt", "update", "done"), "moves"),
    **dict.fromkeys(("planned", "intended", "made"), "open"),
}
Band = tuple[str, str, str]  # from, to, class


def drawing(record: Record) -> str:
    """The SVG, of packages and, where a module has none, of the module itself."""
    bands = _rounded(_bands(record))
    if not bands:
        return '<p class="none">Nothing.</p>'
    scale = min(12.0, HEIGHT / max(1, sum(bands.values())))
    left, height_left = _stacked(sorted({band[0] for band in bands}), 0, bands, scale)
    order = sorted({band[1] for band in bands}, key=lambda name: (name == NOWHERE, [*left].index(_first(name, bands))))
    right, height_right = _stacked(order, 1, bands, scale)
    shapes, used = [], {0: dict(left), 1: dict(right)}
    for band in sorted(bands, key=lambda each: ([*left].index(each[0]), order.index(each[1]), each[2])):
        wide = bands[band] * scale
        start, end = used[0][band[0]], used[1][band[1]]
        used[0][band[0]] += wide
        used[1][band[1]] += wide
        shapes.append(_ribbon(band, start, end, max(wide, 1.0), bands[band]))
    shapes += _nodes(left, 0, bands, scale) + _nodes(right, 1, bands, scale)
    height = max(height_left, height_right) + GAP
    described = f"Packages from {record.plan.source.cloud} to {record.plan.destination.cloud}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img" '
        f'aria-label="{escape(value_words(described))}">{"".join(shapes)}</svg>'
    )


def _bands(record: Record) -> Counter[Band]:
    """How many packages go from one module to another, none of a module that is empty."""
    found: Counter[Band] = Counter()
    packages = [item for item in record.plan.items if item.kind == "package"]
    used = {_source(item) for item in packages}
    for item in (
        *packages,
        *(each for each in record.plan.items if each.kind == "module" and _source(each) not in used),
    ):
        kind = _CLASSES.get(standing(item, record), "left")
        target = item.target["module" if item.kind == "package" else "name"]
        band = _source(item), NOWHERE if kind == "left" else f"{item.target['product']}/{target}", kind
        found[band] += item.kind == "package"
    return found


def _rounded(bands: Counter[Band]) -> Counter[Band]:
    """The same with the smallest modules drawn together, if there are too many."""
    sizes: Counter[str] = Counter()
    for (source, _, _), number in bands.items():
        sizes[source] += number
    if len(sizes) <= MOST:
        return bands
    large = {name for name, _ in sizes.most_common(MOST - 1)}
    found: Counter[Band] = Counter()
    for (source, target, kind), number in bands.items():
        small = source not in large
        found[REST if small else source, REST if small and target != NOWHERE else target, kind] += number
    return found


def _source(item: Item) -> str:
    return f"{item.source['product']}/{item.source['module' if item.kind == 'package' else 'name']}"


def _first(name: str, bands: Mapping[Band, int]) -> str:
    return next(band[0] for band in bands if band[1] == name)


def _stacked(
    names: Sequence[str], side: int, bands: Mapping[Band, int], scale: float
) -> tuple[dict[str, float], float]:
    """The top of each node of a side, and where the last one ends."""
    tops, y = {}, float(GAP)
    for name in names:
        tops[name] = y
        y += max(_total(name, side, bands) * scale, LINE) + GAP
    return tops, y


def _total(name: str, side: int, bands: Mapping[Band, int]) -> int:
    return sum(number for band, number in bands.items() if band[side] == name)


def _ribbon(band: Band, start: float, end: float, wide: float, number: int) -> str:
    x0, x1, bend = LEFT + NODE, RIGHT, (LEFT + NODE + RIGHT) / 2
    path = (
        f"M{x0} {start:.1f}C{bend} {start:.1f} {bend} {end:.1f} {x1} {end:.1f}"
        f"V{end + wide:.1f}C{bend} {end + wide:.1f} {bend} {start + wide:.1f} {x0} {start + wide:.1f}Z"
    )
    told = escape(value_words(f"{band[0]} → {band[1]}: {number}"))
    return f'<path class="{band[2]}" d="{path}"><title>{told}</title></path>'


def _nodes(tops: Mapping[str, float], side: int, bands: Mapping[Band, int], scale: float) -> list[str]:
    x, at, anchor = ((LEFT, LEFT - 8, "end"), (RIGHT, RIGHT + NODE + 8, "start"))[side]
    shapes = []
    for name, y in tops.items():
        number = _total(name, side, bands)
        height = max(number * scale, 2.0)
        words = value_words(name)
        label = escape(words if len(words) <= 34 else f"{words[:33]}…")
        kind = "left" if name == NOWHERE else "moves"
        shapes.append(
            f'<rect class="{kind}" x="{x}" y="{y:.1f}" width="{NODE}" height="{height:.1f}"/>'
            f'<text x="{at}" y="{y + max(height, LINE) / 2 + 4:.1f}" text-anchor="{anchor}">{label} '
            f'<tspan class="count">{number or "empty"}</tspan><title>{escape(words)}</title></text>'
        )
    return shapes
