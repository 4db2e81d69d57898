"""Backends that tell or make other rows than there are."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from otabridge_action.backend import AliyunBackend, TuyaBackend
from otabridge_huawei.backend import HuaweiBackend

from otabridge.errors import ApiError, InvalidRequestError, RateLimitError, ServerError
from otabridge.flow import Flow, Steps, flow
from otabridge.models import Page
from tests.conformance.making import Kind, again, asked, drafting, like, mutant, row, rows, stepping, wrapped

# --- paging -----------------------------------------------------------------------------------------------------------

row(
    "drops_the_last_page",
    TuyaBackend,
    wrapped("list_packages", lambda self, page, given: replace(page, cursor=None) if given.get("cursor") else page),
)
row(
    "repeats_a_cursor",
    HuaweiBackend,
    wrapped("list_devices", lambda self, page, given: replace(page, cursor=given.get("cursor") or page.cursor)),
)
row(
    "repeats_a_row_on_the_next_page",
    TuyaBackend,
    wrapped("list_devices", lambda self, page, given: replace(page, items=(*page.items, *page.items[-1:]))),
)
row(
    "loses_a_row_between_pages",
    TuyaBackend,
    wrapped(
        "list_module_versions",
        lambda self, page, given: replace(page, items=page.items[1:]) if given.get("cursor") else page,
    ),
)
row(
    "counts_a_page_as_the_total",
    TuyaBackend,
    wrapped("list_packages", lambda self, page, given: replace(page, total=len(page.items))),
)
row("gives_larger_pages_than_asked", TuyaBackend, asked("list_packages", lambda given: given | {"limit": None}))
row(
    "gives_an_empty_list_a_cursor",
    HuaweiBackend,
    wrapped("list_packages", lambda self, page, given: page if page.items else replace(page, cursor="0")),
)
row("ignores_the_product", HuaweiBackend, asked("list_packages", lambda given: given | {"product": None}))
row("ignores_the_version", TuyaBackend, asked("list_packages", lambda given: given | {"version": None}))


@mutant(TuyaBackend)
def keeps_its_cursors_to_itself(base: Kind) -> Kind:
    class Mutant(base):
        @like(base, "list_packages")
        def list_packages(self, *, cursor: str | None = None, **given: Any) -> Flow[Any]:
            known = self.__dict__.setdefault("_cursors", {})

            def steps() -> Steps[Any]:
                page = yield from base.list_packages(self, cursor=known.get(cursor), **given)
                if page.cursor is None:
                    return page
                known[str(len(known))] = page.cursor
                return replace(page, cursor=str(len(known) - 1))

            return Flow(steps(), "list_packages")

    return Mutant


# --- mapping ----------------------------------------------------------------------------------------------------------

row(
    "loses_the_zone_of_a_time",
    TuyaBackend,
    wrapped(
        "list_packages", rows(lambda it: replace(it, created_at=it.created_at and it.created_at.replace(tzinfo=None)))
    ),
)
row(
    "takes_a_time_for_another_zone_s",
    HuaweiBackend,
    wrapped(
        "list_modules", rows(lambda it: replace(it, created_at=it.created_at and it.created_at + timedelta(hours=8)))
    ),
)
row("tells_no_alias", HuaweiBackend, wrapped("list_modules", rows(lambda it: replace(it, alias=None))))
row(
    "tells_no_source_versions",
    TuyaBackend,
    wrapped("list_packages", rows(lambda it: replace(it, source_versions=()))),
)
row(
    "trims_unicode",
    HuaweiBackend,
    asked("create_module", lambda given: {k: v and v.encode("ascii", "ignore").decode() for k, v in given.items()}),
)
row(
    "strips_texts",
    AliyunBackend,
    asked("create_module", lambda given: {k: v and v.replace(" ", "") for k, v in given.items()}),
)
row(
    "clears_what_an_update_leaves_out",
    TuyaBackend,
    asked("update_module", lambda given: given | {"description": given.get("description") or " "}),
)
row(
    "tells_a_built_in_module_by_the_vendor_s_name",
    TuyaBackend,
    wrapped(
        "list_module_versions",
        rows(lambda it: replace(it, module="default") if it.module == "@default" else it),
    ),
)


@mutant(HuaweiBackend)
def deletes_nothing(base: Kind) -> Kind:
    class Mutant(base):
        @like(base, "delete_module")
        @flow
        def delete_module(self, **given: Any) -> Steps[None]:
            yield from base.get_module(self, **given)

    return Mutant


# --- versions ---------------------------------------------------------------------------------------------------------

row(
    "counts_every_version",
    HuaweiBackend,
    asked("count_fleet_versions", lambda given: given | {"version": None}),
)
row(
    "loses_devices_of_a_fleet",
    HuaweiBackend,
    wrapped("list_fleet_versions", lambda self, page, given: replace(page, items=page.items[:-1])),
)

# --- the cloud's own words, and packages ------------------------------------------------------------------------------


@mutant(TuyaBackend)
def takes_a_throttle_for_a_refusal(base: Kind) -> Kind:
    class Mutant(base):
        def judge(self, request: Any, response: Any) -> Any:
            error = super().judge(request, response)
            return InvalidRequestError(str(error), code="x") if isinstance(error, RateLimitError) else error

    return Mutant


@mutant(AliyunBackend)
def loses_the_code(base: Kind) -> Kind:
    class Mutant(base):
        def judge(self, request: Any, response: Any) -> Any:
            error = super().judge(request, response)
            if error is not None and hasattr(error, "code"):
                error.code = None
            return error

    return Mutant


row("loses_custom_info", TuyaBackend, drafting(custom_info=None))
row("loses_source_versions", HuaweiBackend, drafting(source_versions=()))
row("makes_a_package_blindly", TuyaBackend, stepping("create_package", again))
row(
    "clears_a_package_s_info_as_it_describes_it",
    AliyunBackend,
    asked("update_package", lambda given: given | {"custom_info": given.get("custom_info") or "-"}),
)


# --- lists that end too early, and refusals that are asked again ------------------------------------------------------


@mutant(TuyaBackend)
def ends_a_list_where_a_page_fails(base: Kind) -> Kind:
    class Mutant(base):
        @like(base, "list_devices")
        @flow
        def list_devices(self, **given: Any) -> Steps[Any]:
            try:
                return (yield from base.list_devices(self, **given))
            except ServerError:
                return Page(())

    return Mutant


def insisting(self: Any, effect: Any) -> Steps[Any]:
    try:
        return (yield effect)
    except ApiError:
        return (yield effect)


row("asks_again_what_is_refused", HuaweiBackend, stepping("list_modules", insisting))
row(
    "forgets_further_pages_unless_a_size_is_asked_for",
    TuyaBackend,
    wrapped("list_devices", lambda self, page, given: page if given.get("limit") else replace(page, cursor=None)),
)
