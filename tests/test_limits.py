"""Limits: each kind from both sides, the words of a breach, and how strictly a cloud is told to check."""

import warnings
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otabridge.limits import ARGUMENT_FIELDS, FIELDS, OWN_FIELDS, draft_fields
from otabridge.plugin import (
    NATIVE,
    Artifact,
    Backend,
    Capability,
    Checksum,
    Limits,
    Module,
    ModuleVersion,
    ObjectLocation,
    Package,
    PackageDraft,
    Page,
    Settings,
    Steps,
    Text,
    UrlLocation,
    ValidationError,
    flow,
)

ROCKET = "\N{ROCKET}"  # one character, four bytes of UTF-8, two units of UTF-16
DRAFT = PackageDraft(product="p", module="mcu", version="2.0")


def artifact(name: str = "app.bin", **fields: Any) -> Artifact:
    return Artifact(name=name, **fields)


# --- one text ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "good", "bad"),
    [
        (Text(max_length=4), "abcd", "abcde"),
        (Text(max_length=4), ROCKET * 4, ROCKET * 5),
        (Text(max_length=2), "e\N{COMBINING ACUTE ACCENT}", "e\N{COMBINING ACUTE ACCENT}!"),
        (Text(min_length=3), "abc", "ab"),
        (Text(min_length=3), ROCKET * 3, ROCKET * 2),
        (Text(), "a", ""),
        (Text(pattern="[a-z]+"), "abc", "abcD"),
        (Text(pattern="[a-z]+"), "abc", "Dabc"),
        (Text(pattern="[a-z]+"), "abc", "abc\n"),
        (Text(pattern="a|bc"), "bc", "ac"),
        (Text(pattern="^[a-z]+$"), "abc", "abc\n"),
        (Text(max_length=4, utf16=True), ROCKET * 2, ROCKET * 2 + "!"),
        (Text(min_length=3, utf16=True), ROCKET + "!", ROCKET),
    ],
)
def test_a_text_limit_holds_on_both_sides(limit: Text, good: str, bad: str) -> None:
    limits = Limits(text={"module.name": limit})
    limits.check_text("module.name", good)
    with pytest.raises(ValidationError) as caught:
        limits.check_text("module.name", bad)
    assert caught.value.field == "module.name"


def test_an_empty_text_passes_where_no_length_is_demanded() -> None:
    Limits(text={"module.description": Text(min_length=0)}).check_text("module.description", "")


def test_a_required_text_may_not_be_left_out_and_an_optional_one_may() -> None:
    limits = Limits(text={"object.key": Text(required=True), "package.name": Text()})
    limits.check_text("package.name", None)
    with pytest.raises(ValidationError, match=r"object\.key: required: give object\.key") as caught:
        limits.check_text("object.key", None)
    assert (caught.value.field, caught.value.limit, caught.value.value) == ("object.key", "required", "")


@pytest.mark.parametrize("value", ["", "words"])
def test_a_field_that_the_cloud_has_not_takes_no_text_and_the_mend_is_to_leave_it_out(value: str) -> None:
    limits = Limits(text={"package.custom_info": Text(absent=True)})
    limits.check_draft(DRAFT)
    with pytest.raises(ValidationError, match="no such field") as error:
        limits.check_draft(replace(DRAFT, custom_info=value))
    assert error.value.field == "package.custom_info"
    assert str(error.value).endswith("leave it out")


def test_a_field_without_a_limit_takes_any_text() -> None:
    Limits().check_text("module.name", "\n" * 10_000)


@pytest.mark.parametrize("text", ["\ud800", "mcu\udfff"])
@pytest.mark.parametrize("field", ["module.name", "package.description"])
def test_half_a_surrogate_pair_is_refused_in_every_field_limited_or_not(field: str, text: str) -> None:
    limits = Limits(text={"module.name": Text(max_length=64)})
    limits.check_text(field, "\N{ROCKET}")
    with pytest.raises(ValidationError, match="text that UTF-8 can hold") as caught:
        limits.check_text(field, text)
    str(caught.value).encode()  # the message itself can be written


@settings(deadline=None)
@given(st.text(max_size=12), st.integers(0, 6), st.integers(0, 6))
def test_a_text_passes_exactly_when_its_characters_count_within_the_bounds(value: str, least: int, more: int) -> None:
    limit = Text(min_length=least, max_length=least + more)
    assert (limit.breach(value) is None) == (least <= sum(1 for _ in value) <= least + more)


@settings(deadline=None)
@given(st.text(alphabet="aB1\n ", max_size=5))
def test_a_pattern_must_match_the_whole_text(value: str) -> None:
    limit = Text(min_length=0, pattern="[aB]*")
    assert (limit.breach(value) is None) == (set(value) <= {"a", "B"})


@settings(deadline=None)
@given(st.text(min_size=5, max_size=300))
def test_a_breach_tells_field_rule_mend_and_no_more_than_sixty_characters_of_the_value(value: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Limits(text={"module.alias": Text(max_length=4, hint="shorten it")}).check_text("module.alias", value)
    error = caught.value
    assert error.limit == f"at most 4 characters (this has {len(value)})"
    assert str(error) == f"module.alias: {error.limit}, not {error.value!r}: shorten it"
    assert len(error.value) <= 60
    assert error.value == (value if len(value) <= 60 else value[:57] + "...")


def test_a_pattern_is_told_in_words_where_there_are_words() -> None:
    spoken = Text(pattern="[a-z]+", words="small letters only")
    assert spoken.breach("A") == "small letters only"
    assert Text(pattern="[a-z]+").breach("A") == "must match [a-z]+"


@pytest.mark.parametrize(
    ("limit", "shown"),
    [
        (Text(max_length=8), "1 to 8 characters"),
        (Text(max_length=8, min_length=4, required=True), "required; 4 to 8 characters"),
        (Text(max_length=8, pattern="[a-z]+", words="small letters"), "1 to 8 characters; small letters"),
        (Text(pattern="[a-z]+"), "[a-z]+"),
        (Text(), ""),
    ],
)
def test_a_text_limit_reads_as_a_line_of_a_table(limit: Text, shown: str) -> None:
    assert str(limit) == shown


# --- pages and packages -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [None, 1, 50])
def test_a_page_size_within_the_cap_passes(size: int | None) -> None:
    Limits(page_size={Capability.LIST_MODULES: 50}).check_page_size(Capability.LIST_MODULES, size)


@pytest.mark.parametrize("size", [-1, 0, 51])
def test_a_page_size_outside_the_cap_is_refused(size: int) -> None:
    limits = Limits(page_size={Capability.LIST_MODULES: 50})
    with pytest.raises(ValidationError, match=f"page_size: 1 to 50, not '{size}': leave it out"):
        limits.check_page_size(Capability.LIST_MODULES, size)


def test_a_page_size_without_a_cap_must_still_be_positive() -> None:
    Limits().check_page_size(Capability.LIST_MODULES, 10**9)
    with pytest.raises(ValidationError, match="at least 1"):
        Limits().check_page_size(Capability.LIST_MODULES, 0)


S3 = ("1.0", "1.1", "1.2")
OBJECT = ObjectLocation(region="r", bucket="b", key="folder/app.BIN")
DRAFT_LIMITS: list[tuple[Limits, PackageDraft, PackageDraft, str]] = [
    (
        Limits(source_versions=2),
        replace(DRAFT, source_versions=S3[:2]),
        replace(DRAFT, source_versions=S3),
        "at most 2",
    ),
    (
        Limits(),
        replace(DRAFT, source_versions=S3),
        replace(DRAFT, source_versions=("1", "1")),
        "each source version once",
    ),
    (
        Limits(kinds=("full",)),
        replace(DRAFT, source_versions=S3),
        replace(DRAFT, kind="delta", source_versions=S3),
        "one of full",
    ),
    (
        Limits(),
        replace(DRAFT, kind="delta", source_versions=S3),
        replace(DRAFT, kind="delta"),
        "required with kind delta",
    ),
    (
        Limits(),
        replace(DRAFT, kind="delta", source_versions=S3),
        replace(DRAFT, kind="delta", source_versions=("2.0",)),
        "must differ from the version",
    ),
    (
        Limits(artifacts=1),
        replace(DRAFT, artifacts=(artifact(),)),
        replace(DRAFT, artifacts=(artifact(), artifact("b.bin"))),
        r"at most 1 artifacts \(these are 2\)",
    ),
    (
        Limits(artifact_size=100),
        replace(DRAFT, artifacts=(artifact(size=100),)),
        replace(DRAFT, artifacts=(artifact(size=101),)),
        "at most 100 bytes, not '101'",
    ),
    (
        Limits(checksums=("sha256",)),
        replace(DRAFT, artifacts=(artifact(checksum=Checksum(algorithm="sha256", hex="00")),)),
        replace(DRAFT, artifacts=(artifact(checksum=Checksum(algorithm="md5", hex="00")),)),
        "one of sha256, not 'md5'",
    ),
    (
        Limits(artifact_suffixes=(".bin", ".tar.gz")),
        replace(DRAFT, artifacts=(artifact("app.tar.gz"),)),
        replace(DRAFT, artifacts=(artifact("app.gz"),)),
        r"ends in one of \.bin \.tar\.gz",
    ),
    (
        Limits(artifact_suffixes=(".bin",)),
        replace(DRAFT, artifacts=(artifact("shown name", location=OBJECT),)),
        replace(DRAFT, artifacts=(artifact("app.bin", location=replace(OBJECT, key="app.exe")),)),
        "not 'app.exe'",
    ),
]


@pytest.mark.parametrize(("limits", "good", "bad", "rule"), DRAFT_LIMITS)
def test_a_limit_of_packages_holds_on_both_sides(
    limits: Limits, good: PackageDraft, bad: PackageDraft, rule: str
) -> None:
    limits.check_draft(good)
    with pytest.raises(ValidationError, match=rule):
        limits.check_draft(bad)


def test_an_artifact_of_unknown_size_or_digest_is_left_to_the_cloud() -> None:
    limits = Limits(artifact_size=1, checksums=("sha256",))
    limits.check_draft(replace(DRAFT, artifacts=(artifact(),)))


FULL = PackageDraft(
    product="product",
    module="module",
    version="version",
    source_versions=("source",),
    name="name",
    description="description",
    custom_info="custom",
    artifacts=(
        Artifact(
            name="artifact",
            checksum=Checksum(algorithm="sha256", hex="hex"),
            location=ObjectLocation(region="region", bucket="bucket", key="key"),
        ),
        Artifact(name="artifact", location=UrlLocation(url="url")),
    ),
)


@pytest.mark.parametrize("field", dict.fromkeys(name for name, value in draft_fields(FULL) if value is not None))
def test_every_text_of_a_draft_is_checked(field: str) -> None:
    limits = Limits(text={field: Text(max_length=1)})
    with pytest.raises(ValidationError) as caught:
        limits.check_draft(FULL)
    assert caught.value.field == field


def test_the_fields_of_a_draft_are_fields_that_a_limit_can_name() -> None:
    assert {name for name, _ in draft_fields(FULL)} <= set(FIELDS)
    assert {field for fields in (ARGUMENT_FIELDS, *OWN_FIELDS.values()) for field in fields.values()} <= set(FIELDS)


# --- the check in front of every operation ----------------------------------------------------------------------------


class Strict(Backend):
    """A backend with one of each limit, that counts the flows that were begun."""

    name = "strict"
    contract = 1
    settings = Settings
    builtins: ClassVar[dict[str, str]] = {"@default": "default", "@firmware": ""}
    capabilities = dict.fromkeys(
        (
            *map(Capability, ("list_modules", "create_module", "list_packages", "list_module_versions")),
            *map(Capability, ("create_package", "update_package")),
        ),
        NATIVE,
    )
    limits = Limits(
        text={field: Text(max_length=4, pattern="[a-z0-9.]+") for field in FIELDS},
        page_size={Capability.LIST_MODULES: 50},
    )

    @flow
    def list_modules(
        self, *, product: str | None = None, cursor: str | None = None, limit: int | None = None
    ) -> Steps[Page[Module]]:
        yield from ()
        return Page(())

    @flow
    def create_module(
        self, *, product: str, name: str, alias: str | None = None, description: str | None = None
    ) -> Steps[Module]:
        yield from ()
        return Module(product=product, name=name)

    @flow
    def list_packages(
        self,
        *,
        product: str | None = None,
        module: str | None = None,
        version: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> Steps[Page[Package]]:
        yield from ()
        return Page(())

    @flow
    def create_package(self, *, draft: PackageDraft) -> Steps[Package]:
        yield from ()
        return Package(id="1", product=draft.product, module=draft.module, version=draft.version)

    @flow
    def update_package(
        self,
        *,
        package_id: str,
        name: str | None = None,
        description: str | None = None,
        custom_info: str | None = None,
    ) -> Steps[Package]:
        yield from ()
        return Package(id=package_id, product="p", module="m", version="1", name=name)

    @flow
    def list_module_versions(
        self,
        *,
        product: str | None = None,
        device: str | None = None,
        device_id: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> Steps[Page[ModuleVersion]]:
        yield from ()
        return Page(())


def backend(validate: str = "strict") -> Strict:
    return Strict(Settings.model_validate({"validate": validate}))


def run(steps: Iterable[Any]) -> Any:
    with pytest.raises(StopIteration) as done:
        next(iter(steps))
    return done.value.value


CALLS: list[tuple[str, dict[str, Any], str]] = [
    ("list_modules", {"product": "toolong"}, "product.id"),
    ("list_modules", {"limit": 51}, "page_size"),
    ("create_module", {"product": "p", "name": "toolong"}, "module.name"),
    ("create_module", {"product": "p", "name": "m", "alias": "toolong"}, "module.alias"),
    ("create_module", {"product": "p", "name": "m", "description": "toolong"}, "module.description"),
    ("list_packages", {"module": "toolong"}, "module.name"),
    ("list_packages", {"version": "toolong"}, "package.version"),
    ("list_module_versions", {"device": "toolong"}, "device.name"),
    ("list_module_versions", {"device_id": "toolong"}, "device.id"),
    ("update_package", {"package_id": "toolong", "name": "n"}, "package.id"),
    ("update_package", {"package_id": "1", "name": "toolong"}, "package.name"),
    ("update_package", {"package_id": "1", "name": "@x"}, "package.name"),
    ("update_package", {"package_id": "1", "description": "toolong"}, "package.description"),
    ("update_package", {"package_id": "1", "custom_info": "toolong"}, "package.custom_info"),
    ("create_package", {"draft": replace(DRAFT, custom_info="toolong")}, "package.custom_info"),
]


@pytest.mark.parametrize(("operation", "arguments", "field"), CALLS)
def test_strict_refuses_an_operation_before_its_flow_exists(
    operation: str, arguments: dict[str, Any], field: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        getattr(backend(), operation)(**arguments)
    assert caught.value.field == field


@pytest.mark.parametrize(("operation", "arguments", "field"), CALLS)
def test_warn_says_the_same_and_goes_on(operation: str, arguments: dict[str, Any], field: str) -> None:
    with pytest.warns(UserWarning, match=field.replace(".", r"\.")):
        steps = getattr(backend("warn"), operation)(**arguments)
    assert run(steps) is not None


@pytest.mark.parametrize(("operation", "arguments", "field"), CALLS)
def test_off_lets_everything_pass(operation: str, arguments: dict[str, Any], field: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert run(getattr(backend("off"), operation)(**arguments)) is not None


@pytest.mark.parametrize("name", ["@default", "default", "@firmware"])
def test_a_builtin_module_may_be_named_where_a_custom_name_of_that_form_may_not(name: str) -> None:
    assert run(backend().list_packages(product="p", module=name)) == Page(())
    assert run(backend().create_package(draft=replace(DRAFT, module=name, version="1"))).module == name


@pytest.mark.parametrize("name", ["@default", "default", "@firmware"])
def test_a_builtin_module_is_never_created(name: str) -> None:
    with pytest.raises(ValidationError, match="a built-in module is never created, changed or deleted"):
        backend().create_module(product="p", name=name)


@pytest.mark.parametrize("name", ["@software", "@", "@x"])
def test_an_at_sign_is_refused_where_the_cloud_has_no_such_builtin(name: str) -> None:
    with pytest.raises(ValidationError, match=r"strict has @default, @firmware") as caught:
        backend().list_packages(product="p", module=name)
    assert caught.value.value == name


def test_a_builtin_name_does_not_excuse_the_other_arguments() -> None:
    with pytest.raises(ValidationError) as caught:
        backend().list_packages(product="@default", module="@default")
    assert caught.value.field == "product.id"
