"""Lists by marker: never a silent prefix, never without an end, and a cursor that any process can take up."""

from collections.abc import Callable
from typing import Any

import pytest
from otabridge_huawei.calls import Place, place_at

from otabridge.errors import PagingError
from otabridge.models import Module, Product
from otabridge.paging import IDENTITIES, Walk
from otabridge.wire import Request

FIRST = "f" * 24


def product(number: int) -> dict[str, Any]:
    return {"product_id": f"p{number}", "name": f"n{number}"}


class Shelf:
    """A list of products by hidden record id, newest first, as the vendor pages it."""

    def __init__(self, numbers: list[int], **faults: Any) -> None:
        self.numbers = sorted(numbers, reverse=True)
        self.faults = faults
        self.pages = 0

    def __call__(self, request: Request) -> dict[str, Any]:
        asked = dict(request.query)
        below = int(asked.get("marker", FIRST), 16)
        limit = int(asked["limit"])
        if self.pages == self.faults.get("short_page"):
            limit = 1
        if self.pages == self.faults.get("grows_at"):
            self.numbers = [900, 901, *self.numbers]
        rows = [number for number in sorted(self.numbers, reverse=True) if number < below][:limit]
        self.pages += 1
        marker = f"{rows[-1]:024x}" if rows else self.faults.get("empty_marker")
        if self.pages - 1 == self.faults.get("markerless"):
            marker = None
        count = len(self.numbers) + self.faults.get("miscount", 0)
        return {"products": [product(number) for number in rows], "page": {"count": count, "marker": marker}}


def walked(cloud: Any, limit: int = 10) -> list[str]:
    walk: Walk[Product] = Walk(IDENTITIES[Product], keyset=True)
    names: list[str] = []
    while not walk.done:
        page = cloud.run(cloud.backend.list_products(cursor=walk.cursor, limit=limit))
        names += [row.id for row in walk.take(page)]
    return names


def newest_first(count: int) -> list[str]:
    return [f"p{number}" for number in range(count, 0, -1)]


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 20, 35])
def test_a_list_is_read_whole_and_in_order(make_cloud: Any, count: int) -> None:
    cloud = make_cloud(server=Shelf(list(range(1, count + 1))))
    assert walked(cloud) == newest_first(count)


@pytest.mark.parametrize(
    ("faults", "pages"),
    [
        ({"short_page": 1}, 5),
        ({"miscount": -30}, 4),
        ({"grows_at": 2}, 5),
        ({"empty_marker": ""}, 4),
    ],
    ids=["a short page in the middle", "a count too low", "growth while reading", "an empty marker on an empty page"],
)
def test_a_faulty_list_is_still_read_whole(make_cloud: Any, faults: dict[str, Any], pages: int) -> None:
    shelf = Shelf(list(range(1, 36)), **faults)
    assert walked(make_cloud(server=shelf)) == newest_first(35)
    assert shelf.pages == pages


@pytest.mark.parametrize("faults", [{"miscount": 3}, {"markerless": 1}], ids=["rows never given", "a marker missing"])
def test_a_list_that_ends_too_early_is_an_error(make_cloud: Any, faults: dict[str, Any]) -> None:
    class Stubborn(Shelf):
        def __call__(self, request: Request) -> dict[str, Any]:
            reply = super().__call__(request)
            if "markerless" in self.faults and "marker" in dict(request.query):
                reply["page"]["marker"] = None
            return reply

    with pytest.raises(PagingError, match="announced"):
        walked(make_cloud(server=Stubborn(list(range(1, 36)), **faults)))


@pytest.mark.parametrize("length", [1, 2, 3, 7])
def test_markers_that_run_in_a_circle_are_an_error(make_cloud: Any, length: int) -> None:
    def circle() -> Callable[[Request], dict[str, Any]]:
        turns = iter(range(10_000))

        def serve(_: Request) -> dict[str, Any]:
            turn = next(turns)
            rows = [product(turn * 10 + row) for row in range(10)]
            return {"products": rows, "page": {"count": 10**6, "marker": f"{turn % length:024x}"}}

        return serve

    cloud = make_cloud(server=circle())
    with pytest.raises(PagingError, match="repeated a marker"):
        walked(cloud)
    assert len(cloud.requests) <= 4 * length + 4


def test_a_page_is_the_vendors_largest_unless_asked(make_cloud: Any) -> None:
    cloud = make_cloud(server=Shelf([1]))
    cloud.run(cloud.backend.list_products())
    assert dict(cloud.requests[0].query)["limit"] == "50"


def test_the_total_is_the_vendors_count(make_cloud: Any) -> None:
    cloud = make_cloud(server=Shelf(list(range(1, 36))))
    assert cloud.run(cloud.backend.list_products(limit=10)).total == 35


def test_a_cursor_is_taken_up_by_another_process(make_cloud: Any) -> None:
    numbers = list(range(1, 36))
    first = make_cloud(server=Shelf(numbers))
    cursor = first.run(first.backend.list_products(limit=20)).cursor
    second = make_cloud(server=Shelf(numbers))
    page = second.run(second.backend.list_products(cursor=cursor, limit=20))
    assert [row.id for row in page.items] == newest_first(35)[20:]
    assert page.cursor is None


@pytest.mark.parametrize("cursor", ["x", "[]", '["m"]', "[1,2,3,4]", '["m","1",null,null]', "{}"])
def test_a_cursor_of_another_list_is_refused(make_cloud: Any, cursor: str) -> None:
    cloud = make_cloud()
    with pytest.raises(PagingError, match="not a cursor"):
        cloud.run(cloud.backend.list_modules(product="p", cursor=cursor))
    assert cloud.requests == []


def test_a_place_survives_its_text() -> None:
    place = Place("m1", 50, 120, "m0").onward("m2", 50, 119)
    assert place == Place("m2", 100, 119, "m2")
    assert place_at(place.text()) == place


@pytest.mark.parametrize("rows", [None, []])
def test_an_empty_list_may_be_null(make_cloud: Any, rows: object) -> None:
    cloud = make_cloud({"modules": rows, "page": {"count": 0, "marker": None}})
    page = cloud.run(cloud.backend.list_modules(product="p"))
    assert (page.items, page.cursor, page.total) == ((), None, 0)


def test_a_module_list_of_all_products_names_the_resource_space_alone(make_cloud: Any) -> None:
    row = {"product_id": "p", "module_name": "m", "module_id": "i"}
    cloud = make_cloud({"modules": [row], "page": {"count": 1, "marker": "m"}})
    assert cloud.run(cloud.backend.list_modules()).items == (Module(product="p", name="m", id="i"),)
    assert cloud.requests[0].query == (("app_id", "61f7e74d036aca5be29e1ed4"), ("limit", "50"))


def test_a_list_taken_up_at_a_cursor_that_ends_short_is_no_prefix(make_cloud: Any) -> None:
    empty = {"products": [], "page": {"count": 150, "marker": None}}
    full = {"products": [product(number) for number in range(50)], "page": {"count": 150, "marker": "a" * 24}}
    cloud = make_cloud(full, *[empty] * 4)
    cursor = cloud.run(cloud.backend.list_products()).cursor
    walk: Walk[Product] = Walk(IDENTITIES[Product], cursor=cursor, keyset=True)

    def read_on() -> None:
        while not walk.done:
            walk.take(cloud.run(cloud.backend.list_products(cursor=walk.cursor)))

    with pytest.raises(PagingError):
        read_on()
