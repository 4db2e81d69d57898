"""Limits: what a cloud would refuse is refused before anything is sent, and the error names field and mend."""

from dataclasses import replace
from typing import Any

import pytest

from otabridge.capabilities import Capability as Op
from otabridge.errors import ValidationError
from otabridge.limits import ARGUMENT_FIELDS
from otabridge.testing.ground import Cloud
from otabridge.testing.suite import Suite, needs

# A field -> the operation that takes it, and its other arguments.
PLACES: dict[str, tuple[Op, str, dict[str, Any]]] = {
    "product.id": (Op.LIST_MODULES, "product", {}),
    "module.name": (Op.CREATE_MODULE, "name", {}),
    "module.alias": (Op.CREATE_MODULE, "alias", {"name": "abcd"}),
    "module.description": (Op.CREATE_MODULE, "description", {"name": "abcd"}),
    "package.id": (Op.GET_PACKAGE, "package_id", {}),
    "device.name": (Op.GET_DEVICE, "device", {}),
}
TEXTS = ("name", "description", "custom_info")


class Limits(Suite):
    """Nothing is sent that a table says cannot be."""

    @pytest.mark.parametrize("field", PLACES)
    @pytest.mark.parametrize("how", ["too long", "too short"])
    def test_a_text_beyond_its_limit_is_refused_before_anything_is_sent(
        self, cloud: Cloud, field: str, how: str
    ) -> None:
        operation, argument, others = PLACES[field]
        limit = cloud.backend.limits.text.get(field)
        bound = limit and (limit.max_length if how == "too long" else limit.min_length)
        if not limit or not bound or not cloud.supports(operation):
            pytest.skip(f"{field} has no such limit")
        wrong = "a" * ((limit.max_length or 0) + 1) if how == "too long" else ""
        given = others | {argument: wrong}
        if argument != "product" and operation not in (Op.GET_PACKAGE,):
            given["product"] = cloud.product
        with pytest.raises(ValidationError) as error:
            cloud.do(operation, **given)
        assert error.value.field == field == ARGUMENT_FIELDS[argument]
        assert cloud.tape.sent == [], "a request was sent before the arguments were checked"

    @pytest.mark.parametrize("operation", [op for op in Op if op.value.startswith("list_")])
    @pytest.mark.parametrize("size", [0, -1, None])
    def test_a_page_size_beyond_its_limit_is_refused_before_anything_is_sent(
        self, cloud: Cloud, operation: Op, size: int | None
    ) -> None:
        largest = cloud.backend.limits.page_size.get(operation)
        if largest is None or not cloud.supports(operation):
            pytest.skip(f"{operation} has no largest page")
        given = {"device": cloud.device()} if operation in (Op.LIST_MODULE_VERSIONS, Op.LIST_VERSION_HISTORY) else {}
        product = {} if operation == Op.LIST_PRODUCTS else {"product": cloud.product}
        with pytest.raises(ValidationError) as error:
            cloud.do(operation, limit=largest + 1 if size is None else size, **given, **product)
        assert error.value.field == "page_size"
        assert cloud.tape.sent == []

    @needs(Op.CREATE_MODULE)
    def test_a_built_in_module_is_never_made(self, cloud: Cloud) -> None:
        with pytest.raises(ValidationError):
            cloud.do(Op.CREATE_MODULE, product=cloud.product, name="@default")
        assert cloud.tape.sent == []

    @needs(Op.CREATE_PACKAGE)
    def test_a_field_that_the_cloud_has_not_is_refused_before_anything_is_sent(self, cloud: Cloud) -> None:
        absent = [
            name for name in TEXTS if (limit := cloud.backend.limits.text.get(f"package.{name}")) and limit.absent
        ]
        if not absent:
            pytest.skip("every text of a package is there")
        draft = self.draft(cloud)
        before = len(cloud.tape.sent)
        for name in absent:
            with pytest.raises(ValidationError) as error:
                cloud.do(Op.CREATE_PACKAGE, draft=replace(draft, **{name: "words"}))  # type: ignore[arg-type]
            assert error.value.field == f"package.{name}"
        assert len(cloud.tape.sent) == before
