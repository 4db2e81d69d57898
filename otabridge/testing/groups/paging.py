"""Paging: every row once, whatever the size of the pages, and a cursor that any process can take up."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from otabridge.capabilities import Capability as Op
from otabridge.errors import NotFoundError, OtaBridgeError, ServerError, UnsupportedError
from otabridge.testing.ground import MANY, Cloud
from otabridge.testing.suite import Suite
from otabridge.wire import Response

MOST = 5  # rows of a list that is read in small pages
Fill = Callable[[Cloud], list[Any]]


@dataclass(frozen=True)
class Listing:
    """A list: how it is filled, which arguments it takes, and what tells its rows apart. `fill` returns the rows."""

    operation: Op
    fill: Fill
    key: Callable[[Any], Any]
    arguments: Callable[[Cloud], dict[str, Any]] = field(default=lambda cloud: {"product": cloud.product})


def modules(cloud: Cloud) -> list[str]:
    """Five modules of the product, or as many as there are."""
    cloud.begin()
    return [*cloud.lay(min(MOST, len(cloud.modules)))]


def packages(cloud: Cloud) -> list[str]:
    """Five packages of one module."""
    cloud.lay()
    versions = [f"1.{number}" for number in range(MOST)]
    for version in versions:
        cloud.package(version)
    return versions


def devices(cloud: Cloud) -> list[str]:
    """Five devices."""
    names = [cloud.device(number) for number in range(MOST)]
    cloud.report({(name, cloud.modules[0]): "1.0" for name in names})
    return names


def versions(cloud: Cloud) -> list[str]:
    """Five modules of one device, or as many as there are."""
    cloud.report({(cloud.device(), name): "1.0" for name in cloud.modules[:MOST]})
    return [*cloud.modules[:MOST]]


def history(cloud: Cloud) -> list[str]:
    """Five reports of one device."""
    told = [f"1.{number}" for number in range(MOST)]
    for version in told:
        cloud.report({(cloud.device(), cloud.modules[0]): version})
        cloud.clock.wait(0.1)  # so little, as it may be in real time
    return told


def fleet(cloud: Cloud) -> list[tuple[str, str]]:
    """Three devices with two modules each."""
    rows = {(cloud.device(number), module): "1.0" for number in range(3) for module in cloud.modules[:2]}
    cloud.report(rows)
    return [*rows]


def of_unit(cloud: Cloud) -> dict[str, Any]:
    """The arguments that name the device."""
    return {"product": cloud.product, "device": cloud.device()}


LISTS = {
    "modules": Listing(Op.LIST_MODULES, modules, lambda row: row.name),
    "packages": Listing(Op.LIST_PACKAGES, packages, lambda row: row.version),
    "devices": Listing(Op.LIST_DEVICES, devices, lambda row: row.name),
    "versions of a device": Listing(Op.LIST_MODULE_VERSIONS, versions, lambda row: row.module, of_unit),
    "history of a device": Listing(Op.LIST_VERSION_HISTORY, history, lambda row: row.version, of_unit),
    "versions of a fleet": Listing(Op.LIST_FLEET_VERSIONS, fleet, lambda row: (row.device, row.module)),
}


def prepared(cloud: Cloud, name: str) -> tuple[Listing, list[Any], dict[str, Any]]:
    """A list, the rows that are put into it, and its arguments; skipped where the ground cannot be filled so."""
    listing = LISTS[name]
    if not cloud.supports(listing.operation):
        support = cloud.backend.capabilities.get(listing.operation)
        pytest.skip(f"{listing.operation}: {support.note if support else 'not declared'}")
    try:
        rows = listing.fill(cloud)
    except UnsupportedError as error:
        pytest.skip(str(error))
    cloud.settle()
    return listing, sorted(rows), listing.arguments(cloud)


class Paging(Suite):
    """A list that is not told to its end is worse than none."""

    @pytest.mark.parametrize("name", LISTS)
    @pytest.mark.parametrize("size", [1, 2, 4, 5, None])
    def test_pages_of_any_size_make_up_the_whole_list(self, cloud: Cloud, name: str, size: int | None) -> None:
        listing, rows, arguments = prepared(cloud, name)
        pages = [*cloud.pages(listing.operation, limit=size, **arguments)]
        told = [listing.key(row) for page in pages for row in cloud.ours(page.items)]
        assert len(told) == len(set(told)), f"rows are told twice: {told}"
        assert sorted(told) == rows, "the pages do not make up the list"
        # Of a fleet some clouds give so many devices a page, each with all of its versions.
        if size and name != "versions of a fleet" and listing.operation in cloud.backend.limits.page_size:
            assert max(len(page.items) for page in pages) <= size, f"a page has more than the {size} rows asked for"

    @pytest.mark.parametrize("name", LISTS)
    def test_another_process_can_take_up_a_cursor(self, cloud: Cloud, name: str) -> None:
        listing, _, arguments = prepared(cloud, name)
        whole = [listing.key(row) for row in cloud.rows(listing.operation, limit=2, **arguments)]
        first = cloud.do(listing.operation, limit=2, **arguments)
        if first.cursor is None:
            pytest.skip("the list has one page, whatever is asked for")
        other = cloud.another()
        rest = []
        cursor = first.cursor
        while cursor is not None:
            page = other.do(listing.operation, cursor=cursor, limit=2, **arguments)
            rest += page.items
            cursor = page.cursor
        assert [listing.key(row) for row in (*first.items, *rest)] == whole

    @pytest.mark.parametrize("name", LISTS)
    def test_cursors_that_are_told_beforehand_are_those_that_reading_finds(self, cloud: Cloud, name: str) -> None:
        listing, _, arguments = prepared(cloud, name)
        pages = [*cloud.pages(listing.operation, limit=1, **arguments)]
        if not any(page.ahead for page in pages):
            pytest.skip("no cursors are told beforehand")
        found = [page.cursor for page in pages]
        for number, page in enumerate(pages):
            assert [*page.ahead] == found[number : number + len(page.ahead)]

    @pytest.mark.parametrize("name", LISTS)
    def test_a_total_counts_every_row(self, cloud: Cloud, name: str) -> None:
        listing, _, arguments = prepared(cloud, name)
        pages = [*cloud.pages(listing.operation, limit=2, **arguments)]
        count = sum(len(page.items) for page in pages)
        assert {page.total for page in pages} <= {None, count}, f"the list has {count} rows"

    @pytest.mark.parametrize("name", ["modules", "packages", "devices", "versions of a fleet"])
    def test_an_empty_list_is_one_empty_page(self, cloud: Cloud, name: str) -> None:
        listing = LISTS[name]
        if not cloud.supports(listing.operation):
            pytest.skip(f"{listing.operation} is not there")
        try:
            page = cloud.do(listing.operation, **listing.arguments(cloud))
        except NotFoundError:
            return  # as it may say of a product that nobody has heard of
        # A module that is built in may be of every product, also of one that nobody has heard of.
        assert [row for row in page.items if not getattr(row, "builtin", False)] == []
        assert page.cursor is None, "an empty list has a cursor"

    @pytest.mark.parametrize("name", ["modules", "packages", "devices"])
    def test_a_list_is_of_its_product_alone(self, cloud: Cloud, name: str) -> None:
        listing, rows, _ = prepared(cloud, name)
        other = cloud.another()
        other.product = f"{cloud.product}x"
        listing.fill(other)
        cloud.settle()
        told = cloud.ours(cloud.rows(listing.operation, product=cloud.product))
        assert {row.product for row in told} == {cloud.product}
        assert sorted(map(listing.key, told)) == rows

    @pytest.mark.parametrize("name", ["modules", "packages", "devices"])
    def test_without_a_product_a_list_is_of_all(self, cloud: Cloud, name: str) -> None:
        listing, rows, _ = prepared(cloud, name)
        try:
            told = cloud.rows(listing.operation, limit=2)
        except UnsupportedError as error:
            pytest.skip(str(error))
        ours = [row for row in cloud.ours(told) if row.product == cloud.product]
        assert sorted(map(listing.key, ours)) == rows

    @pytest.mark.parametrize("name", ["devices", "versions of a device", "versions of a fleet"])
    def test_a_long_list_is_whole_though_nobody_says_how_large_a_page_is(self, cloud: Cloud, name: str) -> None:
        listing = LISTS[name]
        if not cloud.supports(listing.operation):
            pytest.skip(f"{listing.operation} is not there")
        single = name == "versions of a device"
        names = cloud.some_modules(MANY if single else 1)
        pairs = [(cloud.device(0 if single else n), names[n if single else 0]) for n in range(MANY)]
        cloud.report(dict.fromkeys(pairs, "1.0"))
        cloud.settle()
        told = cloud.rows(listing.operation, **listing.arguments(cloud))
        assert len({listing.key(row) for row in told}) == len(told) == MANY

    @pytest.mark.parametrize("name", LISTS)
    def test_a_page_that_cannot_be_had_is_no_end_of_the_list(self, cloud: Cloud, name: str) -> None:
        listing, _, arguments = prepared(cloud, name)
        first = cloud.do(listing.operation, limit=2, **arguments)
        if first.cursor is None or not cloud.tape.sent:
            pytest.skip("the list has one page, whatever is asked for")
        cloud.tape.after = lambda request, response: Response(500, {})
        with pytest.raises(ServerError):
            cloud.do(listing.operation, cursor=first.cursor, limit=2, **arguments)

    def test_packages_are_filtered_by_module_and_version(self, cloud: Cloud) -> None:
        first, *others = cloud.lay(min(2, len(cloud.modules)))
        rows = [(first, f"1.{number}") for number in range(MOST)]
        rows += [(other, version) for other in others for version in ("1.2", "9.9")]
        for module, version in rows:
            cloud.package(version, module)
        cloud.settle()
        wanted = [(first, None), (None, "1.2"), (first, "1.2"), (first, "9.9"), (None, "none")]
        for name, number in wanted + [(other, number) for other in others for number in (None, "1.2", "1.0")]:
            given = {word: text for word, text in (("module", name), ("version", number)) if text}
            told = cloud.rows(Op.LIST_PACKAGES, product=cloud.product, limit=None if number else 2, **given)
            expected = [row for row in rows if name in (None, row[0]) and number in (None, row[1])]
            assert sorted((row.module, row.version) for row in told) == sorted(expected), f"filtered by {given}"

    @pytest.mark.parametrize("name", LISTS)
    @pytest.mark.parametrize("cursor", ["nonsense", "+x", "-1", "{}", "é", "1e9999"])
    def test_a_cursor_that_is_none_is_refused_in_words_or_harmless(self, cloud: Cloud, name: str, cursor: str) -> None:
        listing, rows, arguments = prepared(cloud, name)
        try:
            page = cloud.do(listing.operation, cursor=cursor, limit=2, **arguments)
        except OtaBridgeError:
            return
        assert {listing.key(row) for row in cloud.ours(page.items)} <= {*rows}
