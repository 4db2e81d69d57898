"""Products, of a tenant or of prefixes, and the built-in module that each has."""

import pytest
from clients import Used
from looking import kind, kinds
from players import Operator

from otabridge import NotFoundError, ValidationError


def test_the_tenant_is_the_one_product(cloud: Used, tenant: str) -> None:
    assert [product.id for product in cloud.products.list()] == [tenant]


def test_with_prefixes_products_are_what_keys_name(prefixed: Used, operator: Operator, product: str) -> None:
    for key in (f"{product}.a", f"{product}.b", f"{product}x.a"):
        operator.type(key)
    found = [row.id for row in prefixed.products.list() if row.id.startswith(product)]
    assert found == [product, f"{product}x"]


def test_an_unknown_product_of_a_tenant_is_told_in_words(cloud: Used, operator: Operator, tenant: str) -> None:
    told = f"no product 'p1'.*{tenant}.*product_mode"
    with pytest.raises(NotFoundError, match=told):
        cloud.modules.list(product="p1")
    with pytest.raises(NotFoundError, match=told):
        cloud.modules.create("mcu", product="p1")
    assert "p1.mcu" not in {row["key"] for row in kinds(operator)}


def test_an_unknown_product_among_prefixes_has_nothing(prefixed: Used, operator: Operator) -> None:
    assert prefixed.modules.list(product=operator.name("none")) == []


@pytest.mark.parametrize("spelling", ["@firmware", "os"])
def test_the_type_os_is_the_built_in_module(cloud: Used, operator: Operator, tenant: str, spelling: str) -> None:
    found = cloud.modules.get(spelling, product=tenant)
    assert (found.name, found.builtin, found.id) == ("@firmware", True, str(kind(operator, "os")["id"]))
    assert [module.name for module in cloud.modules.list(product=tenant) if module.builtin] == ["@firmware"]


@pytest.mark.parametrize("spelling", ["@firmware", "os"])
def test_with_prefixes_each_product_has_its_own(
    prefixed: Used, operator: Operator, product: str, spelling: str
) -> None:
    made = operator.type(f"{product}.os")
    found = prefixed.modules.get(spelling, product=product)
    assert (found.name, found.builtin, found.id) == ("@firmware", True, str(made["id"]))


@pytest.mark.parametrize("spelling", ["@firmware", "os"])
def test_the_built_in_module_is_never_made_changed_or_deleted(
    prefixed: Used, operator: Operator, product: str, spelling: str
) -> None:
    made = operator.type(f"{product}.os")
    for call in (prefixed.modules.create, prefixed.modules.delete):
        with pytest.raises(ValidationError, match=r"never (created, )?changed or deleted"):
            call(spelling, product=product)
    with pytest.raises(ValidationError, match=r"never (created, )?changed or deleted"):
        prefixed.modules.update(spelling, product=product, description="d")
    assert kind(operator, made["key"]) == made | {"_links": kind(operator, made["key"])["_links"]}


def test_the_built_in_module_is_refused_by_its_id_too(prefixed: Used, operator: Operator, product: str) -> None:
    made = operator.type(f"{product}.os")
    with pytest.raises(ValidationError, match=r"never (created, )?changed or deleted"):
        prefixed.modules.update(id=str(made["id"]), description="d")
    with pytest.raises(ValidationError, match=r"never (created, )?changed or deleted"):
        prefixed.modules.delete(id=str(made["id"]))
    assert kind(operator, made["key"]).get("description") is None
