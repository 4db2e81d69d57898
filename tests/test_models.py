"""The core model: frozen, keyword-only, small; `raw` and pre-signed URLs stay out of sight."""

import copy
import dataclasses
import pickle
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from otabridge import models
from otabridge.models import (
    Artifact,
    Checksum,
    Device,
    FileLocation,
    LocalLocation,
    Module,
    ModuleVersion,
    ObjectLocation,
    Package,
    PackageDraft,
    Page,
    Product,
    UrlLocation,
)

ROWS: list[Any] = [
    Product(id="p"),
    Module(product="p", name="mcu", created_at=datetime(2026, 1, 1, tzinfo=UTC)),
    Checksum(algorithm="sha256", hex="00"),
    UrlLocation(url="https://example.com/a?Signature=hidden"),
    ObjectLocation(region="r", bucket="b", key="k"),
    LocalLocation(sha256="00"),
    FileLocation(path=Path("app.bin")),
    Artifact(name="app.bin", size=1),
    PackageDraft(product="p", module="mcu", version="1"),
    Package(id="1", product="p", module="mcu", version="1"),
    Device(product="p", name="d"),
    ModuleVersion(product="p", device="d", module="mcu", version="1"),
]
names = [type(row).__name__ for row in ROWS]


def test_every_class_of_the_model_is_in_this_table() -> None:
    defined = {
        name
        for name, value in vars(models).items()
        if dataclasses.is_dataclass(value) and value.__module__ == models.__name__
    }
    assert defined == {*names, "Page"}


@pytest.mark.parametrize("row", ROWS, ids=names)
def test_a_row_is_frozen_hashable_and_has_no_dict(row: Any) -> None:
    field = dataclasses.fields(row)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(row, field, "other")
    assert not hasattr(row, "__dict__")
    assert hash(row) == hash(dataclasses.replace(row))


@pytest.mark.parametrize("row", ROWS, ids=names)
def test_a_row_takes_keywords_alone(row: Any) -> None:
    with pytest.raises(TypeError, match="positional"):
        type(row)("p")


@pytest.mark.parametrize("row", ROWS, ids=names)
def test_a_row_survives_pickling_and_copying(row: Any) -> None:
    assert pickle.loads(pickle.dumps(row)) == row
    assert copy.deepcopy(row) == row


@pytest.mark.parametrize("row", [row for row in ROWS if hasattr(row, "raw")], ids=lambda row: type(row).__name__)
def test_raw_takes_no_part_in_comparison_hash_or_repr(row: Any) -> None:
    other = dataclasses.replace(row, raw={"vendor": "canary"})
    assert other == row
    assert hash(other) == hash(row)
    assert "canary" not in repr(other)
    assert other.raw == {"vendor": "canary"}


def test_a_url_may_be_presigned_so_repr_hides_it_at_any_depth() -> None:
    location = UrlLocation(url="https://example.com/a?Signature=canary")
    package = Package(id="1", product="p", module="m", version="1", artifacts=(Artifact(name="a", location=location),))
    assert "canary" not in repr(package)
    assert location != UrlLocation(url="https://example.com/b")


def test_the_fields_of_the_model_are_those_that_the_design_names() -> None:
    fields = {type(row).__name__: " ".join(field.name for field in dataclasses.fields(row)) for row in ROWS}
    assert fields == {
        "Product": "id name raw",
        "Module": "product name id alias description created_at updated_at builtin raw",
        "Checksum": "algorithm hex",
        "UrlLocation": "url",
        "ObjectLocation": "region bucket key",
        "LocalLocation": "sha256",
        "FileLocation": "path",
        "Artifact": "name size checksum location",
        "PackageDraft": "product module version kind source_versions name description custom_info artifacts verify",
        "Package": (
            "id product module version kind source_versions name description custom_info artifacts status "
            "created_at updated_at raw"
        ),
        "Device": "product name id status raw",
        "ModuleVersion": "product device module version device_id reported_at source",
    }


def test_a_page_is_its_items_a_cursor_and_a_total() -> None:
    page = Page((1, 2), "next", 5)
    assert (page.items, page.cursor, page.total) == ((1, 2), "next", 5)
    assert Page((1, 2)) == Page((1, 2), None, None)


def test_the_builtin_modules_have_names_that_no_vendor_allows() -> None:
    assert models.BUILTIN_MODULES == ("@default", "@firmware", "@software")
