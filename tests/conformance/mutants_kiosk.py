"""Backends of a cloud with built-in modules alone, whose writes are of packages, with one mistake each."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from otabridge_action.backend import TuyaBackend
from otabridge_huawei.backend import HuaweiBackend

from otabridge.errors import ConflictError, NotFoundError, OutcomeUnknownError
from otabridge.flow import Flow, Steps, flow
from tests.conformance.kiosk.backend import KioskBackend
from tests.conformance.making import Kind, asked, drafting, like, mutant, row, rows, sending, wrapped

# --- lists ------------------------------------------------------------------------------------------------------------

row("ignores_the_module", KioskBackend, asked("list_packages", lambda given: given | {"module": None}))
row("ignores_the_module_of_packages", TuyaBackend, asked("list_packages", lambda given: given | {"module": None}))
row("begins_a_history_anew", KioskBackend, asked("list_version_history", lambda given: given | {"cursor": None}))
row(
    "forgets_a_built_in_module",
    KioskBackend,
    wrapped("list_modules", lambda self, page, given: replace(page, items=page.items[:1])),
)
row(
    "takes_a_built_in_module_for_one_s_own",
    KioskBackend,
    wrapped("list_modules", rows(lambda it: replace(it, builtin=False))),
)


@mutant(KioskBackend)
def remembers_a_package_for_ever(base: Kind) -> Kind:
    class Mutant(base):
        @like(base, "list_packages")
        @flow
        def list_packages(self, **given: Any) -> Steps[Any]:
            known = self.__dict__.setdefault("_packages", {})
            page = yield from base.list_packages(self, **given)
            known |= {it.id: it for it in page.items}
            return replace(page, items=tuple(known.values()))

    return Mutant


# --- devices ----------------------------------------------------------------------------------------------------------


def of_any_product(base: Kind) -> Kind:
    class Mutant(base):
        @like(base, "get_device")
        @flow
        def get_device(self, *, product: Any = None, device: Any = None, device_id: Any = None) -> Steps[Any]:
            try:
                return (yield from base.get_device(self, product=product, device=device, device_id=device_id))
            except NotFoundError:
                cursor = None
                while True:
                    page = yield from self.list_devices(cursor=cursor)
                    for it in page.items:
                        if it.name == device:
                            return it
                    if page.cursor is None:
                        raise
                    cursor = page.cursor

    return Mutant


row("finds_a_device_of_another_product", KioskBackend, of_any_product)
row("tells_a_device_of_another_product", HuaweiBackend, of_any_product)

# --- files ------------------------------------------------------------------------------------------------------------

row(
    "believes_every_byte",
    KioskBackend,
    asked("open_artifact", lambda given: given | {"artifact": replace(given["artifact"], checksum=None)}),
)
row(
    "counts_no_bytes",
    KioskBackend,
    asked("open_artifact", lambda given: given | {"artifact": replace(given["artifact"], size=None)}),
)


@mutant(KioskBackend)
def lets_an_error_of_the_disk_escape(base: Kind) -> Kind:
    class Mutant(base):
        @like(base, "open_artifact")
        @flow
        def open_artifact(self, *, artifact: Any, folder: Path) -> Steps[Path]:
            next(folder.iterdir(), None)
            return (yield from base.open_artifact(self, artifact=artifact, folder=folder))

    return Mutant


# --- writes -----------------------------------------------------------------------------------------------------------

row(
    "takes_a_package_s_delete_for_a_read",
    KioskBackend,
    sending("delete_package", lambda request: replace(request, read=True)),
)
row(
    "takes_a_package_for_a_read",
    TuyaBackend,
    sending("create_package", lambda request: replace(request, read=True)),
)
row("drops_what_the_cloud_has_not", KioskBackend, lambda base: unchecked(base))


def unchecked(base: Kind) -> Kind:
    class Mutant(base):
        limits = replace(
            base.limits, text={name: it for name, it in base.limits.text.items() if name != "package.custom_info"}
        )

        @like(base, "create_package")
        def create_package(self, *, draft: Any) -> Flow[Any]:
            return base.create_package(self, draft=replace(draft, custom_info=None))

    return Mutant


@mutant(KioskBackend)
def trims_the_words_of_a_package(base: Kind) -> Kind:
    class Mutant(base):
        @like(base, "create_package")
        def create_package(self, *, draft: Any) -> Flow[Any]:
            words = draft.description and draft.description.encode("ascii", "ignore").decode()
            return base.create_package(self, draft=replace(draft, description=words))

    return Mutant


@mutant(KioskBackend)
def takes_another_s_package_for_its_own(base: Kind) -> Kind:
    class Mutant(base):
        @like(base, "create_package")
        @flow
        def create_package(self, *, draft: Any) -> Steps[Any]:
            try:
                return (yield from base.create_package(self, draft=draft))
            except (ConflictError, OutcomeUnknownError):
                return (yield from base.list_packages(self, product=draft.product)).items[0]

    return Mutant


row("makes_no_name", KioskBackend, drafting(name=None))
row("says_nothing_of_a_package", KioskBackend, drafting(description=None))
