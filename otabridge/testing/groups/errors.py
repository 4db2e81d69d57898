"""Errors: what goes wrong is raised, as the right class, with the cloud's own code, and nothing else ever is."""

import contextlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from otabridge.capabilities import Capability as Op
from otabridge.errors import (
    ApiError,
    AuthenticationError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    OtaBridgeError,
    ProtocolError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    UnsupportedError,
    ValidationError,
)
from otabridge.facade import Reason
from otabridge.testing.ground import Cloud
from otabridge.testing.suite import Suite, covers, has, looks_behind, needs
from otabridge.wire import Request, Response

NOBODYS = ("0123456789abcdef01234567", "1234567890123456")  # ids, one of which every cloud may have given
# What a cloud may say in its own words, and what it then is.
WORDS: dict[Reason, type[ApiError]] = {
    "bad signature": AuthenticationError,
    "unknown key": AuthenticationError,
    "expired token": AuthenticationError,
    "throttled": RateLimitError,
    "unavailable": ServerError,
    "failed": ServerError,
}
JSON = {"content-type": "application/json"}
# Answers with a success's status that no cloud should give.
BROKEN = {
    "no JSON": b"{",
    "a page of a proxy": b"<html><body>Welcome</body></html>",
    "a list": b"[]",
    "a text": b'"ok"',
    "null": b"null",
    "bytes": b"\xff\xfe\x00",
}


def spoilt(body: bytes, status: int = 200) -> Callable[[Request, Response], Response]:
    """Give this in place of each signed answer."""
    return lambda request, response: Response(status, JSON, body) if request.auth else response


class Errors(Suite):
    """Whoever catches OtaBridgeError has caught all that can go wrong."""

    @covers(Op.GET_MODULE)
    def test_a_module_that_is_not_there_is_not_found(self, cloud: Cloud) -> None:
        cloud.begin()
        with pytest.raises(NotFoundError):
            cloud.do(Op.GET_MODULE, product=cloud.product, name="nobody")

    @pytest.mark.parametrize(
        ("operation", "argument"),
        [(Op.GET_MODULE, "module_id"), (Op.GET_DEVICE, "device_id"), (Op.LIST_MODULE_VERSIONS, "device_id")],
    )
    def test_an_id_that_is_of_nothing_finds_nothing(self, cloud: Cloud, operation: Op, argument: str) -> None:
        if not cloud.supports(operation):
            pytest.skip(f"{operation} is not there")
        cloud.begin()
        with pytest.raises((NotFoundError, UnsupportedError, ValidationError, InvalidRequestError)):
            cloud.do(operation, **{argument: cloud.word(argument.replace("_", "."), *NOBODYS)})

    @pytest.mark.parametrize("operation", [Op.UPDATE_MODULE, Op.DELETE_MODULE])
    def test_what_is_not_there_cannot_be_changed(self, cloud: Cloud, operation: Op) -> None:
        if not cloud.supports(operation):
            pytest.skip(f"{operation} is not there")
        cloud.begin()
        more = {"alias": cloud.text("module.alias")} if operation == Op.UPDATE_MODULE else {}
        with pytest.raises(NotFoundError):
            cloud.do(operation, product=cloud.product, name="nobody", **more)

    @pytest.mark.parametrize("operation", [Op.GET_PACKAGE, Op.UPDATE_PACKAGE, Op.DELETE_PACKAGE])
    def test_a_package_that_is_not_there_is_not_found(self, cloud: Cloud, operation: Op) -> None:
        has(type(cloud.backend), operation)
        more = {"description": cloud.text("package.description")} if operation == Op.UPDATE_PACKAGE else {}
        with pytest.raises((NotFoundError, ApiError)):
            cloud.do(operation, package_id=cloud.word("package.id", *NOBODYS), **more)

    @pytest.mark.parametrize("operation", [Op.GET_DEVICE, Op.LIST_MODULE_VERSIONS])
    def test_a_device_of_another_product_is_not_found(self, cloud: Cloud, operation: Op) -> None:
        has(type(cloud.backend), operation)
        cloud.begin()
        other = cloud.ground.cloud(cloud.colour)
        other.report({(other.device(), other.modules[0]): "1.0"})
        with pytest.raises(NotFoundError):
            cloud.do(operation, product=cloud.product, device=other.device())

    @looks_behind
    @pytest.mark.parametrize("reason", WORDS)
    def test_the_cloud_s_own_words_are_understood(self, cloud: Cloud, reason: Reason) -> None:
        sent(cloud)
        cloud.tape.after = lambda request, response: cloud.ground.refusal(request, reason)
        with pytest.raises(WORDS[reason]) as error:
            cloud.rows(Op.LIST_MODULES, product=cloud.product)
        told(cloud, error.value)
        assert error.value.code, "the cloud's own code is lost"

    @looks_behind
    @pytest.mark.parametrize("reason", ["throttled", "unavailable"])
    def test_what_passes_in_the_cloud_s_own_words_is_waited_for(self, cloud: Cloud, reason: Reason) -> None:
        sent(cloud)
        left = [1]

        def after(request: Request, response: Response) -> Response:
            return cloud.ground.refusal(request, reason) if left and left.pop() else response

        cloud.tape.after = after
        cloud.rows(Op.LIST_MODULES, product=cloud.product)
        assert left == []

    @looks_behind
    def test_a_credential_that_has_gone_stale_is_renewed(self, cloud: Cloud) -> None:
        if not cloud.backend.STALE:
            pytest.skip("no code says that a credential is stale: STALE")
        sent(cloud)
        left = [1]

        def after(request: Request, response: Response) -> Response:
            stale = request.auth and left and left.pop()
            return cloud.ground.refusal(request, "expired token") if stale else response

        cloud.tape.after = after
        cloud.rows(Op.LIST_MODULES, product=cloud.product)
        assert left == []

    @covers(Op.CREATE_MODULE)
    def test_a_name_that_is_taken_is_a_conflict(self, cloud: Cloud) -> None:
        (name,) = cloud.some_modules(1)
        alias = cloud.text("module.alias")
        cloud.do(Op.CREATE_MODULE, product=cloud.product, name=name, alias=alias)
        cloud.settle()
        other = cloud.text("module.alias", "Other_name", "other")
        with pytest.raises(ConflictError) as error:
            cloud.do(Op.CREATE_MODULE, product=cloud.product, name=name, alias=other)
        told(cloud, error.value, Op.CREATE_MODULE)

    @covers(Op.CREATE_MODULE)
    def test_one_too_many_is_a_quota_exceeded(self, cloud: Cloud) -> None:
        most = cloud.backend.limits.counts.get("modules per product")
        if not most or most > 100:
            pytest.skip("no count of modules per product is declared")
        for number, name in enumerate(cloud.some_modules(most)):
            alias = cloud.text("module.alias", f"alias{number}", f"alias_{number}")
            cloud.do(Op.CREATE_MODULE, product=cloud.product, name=name, alias=alias)
        cloud.settle()
        with pytest.raises(QuotaExceededError):
            cloud.do(Op.CREATE_MODULE, product=cloud.product, name="too_many", alias=cloud.text("module.alias", "many"))

    @covers(Op.DELETE_MODULE, Op.LIST_PACKAGES)
    def test_a_module_that_has_packages_is_not_deleted(self, cloud: Cloud) -> None:
        assert cloud.store
        (name,) = cloud.lay()
        cloud.package("1.0")
        cloud.settle()
        with pytest.raises(ConflictError):
            cloud.do(Op.DELETE_MODULE, product=cloud.product, name=name)
        assert [row.name for row in cloud.ours(cloud.store.modules.list(product=cloud.product))] == [name]

    @looks_behind
    def test_a_wrong_key_is_an_authentication_error(self, ground: Any, colour: str) -> None:
        cloud = ground.cloud(colour)
        secrets = [name for name in cloud.backend.config.secret_fields() if getattr(cloud.backend.config, name)]
        if not secrets:
            pytest.skip("the settings have no secret")
        stranger = cloud.another(**dict.fromkeys(secrets, "not-the-secret-of-anybody"))
        try:
            with pytest.raises(AuthenticationError):
                stranger.do(Op.LIST_MODULES, product=cloud.product)
        finally:
            ground.close_clouds()

    @needs(Op.LIST_MODULES)
    @pytest.mark.parametrize(
        ("status", "expected"),
        [(401, AuthenticationError), (429, RateLimitError), (500, ServerError), (503, ServerError), (418, ApiError)],
    )
    def test_an_answer_that_says_nothing_is_classed_by_its_status(
        self, cloud: Cloud, status: int, expected: type[ApiError]
    ) -> None:
        sent(cloud)
        cloud.tape.after = spoilt(b"", status)
        with pytest.raises(expected) as error:
            cloud.rows(Op.LIST_MODULES, product=cloud.product)
        assert isinstance(error.value, ApiError)
        assert error.value.status == status

    @pytest.mark.parametrize("what", BROKEN)
    @pytest.mark.parametrize("operation", [Op.LIST_MODULES, Op.LIST_PACKAGES, Op.LIST_DEVICES, Op.LIST_MODULE_VERSIONS])
    def test_an_answer_that_cannot_be_understood_is_a_protocol_error(
        self, cloud: Cloud, operation: Op, what: str
    ) -> None:
        if not cloud.supports(operation):
            pytest.skip(f"{operation} is not there")
        sent(cloud)
        cloud.tape.after = spoilt(BROKEN[what])
        more = {"device": cloud.device()} if operation == Op.LIST_MODULE_VERSIONS else {}
        with pytest.raises(ProtocolError):
            cloud.rows(operation, product=cloud.product, **more)

    def test_a_404_of_a_proxy_is_not_an_object_that_is_missing(self, cloud: Cloud) -> None:
        sent(cloud)
        cloud.tape.after = lambda request, response: Response(404, {"content-type": "text/html"}, b"<html>404</html>")
        with pytest.raises(ProtocolError):
            cloud.rows(Op.LIST_MODULES, product=cloud.product)

    @pytest.mark.parametrize("operation", [Op.LIST_MODULES, Op.LIST_PACKAGES, Op.LIST_DEVICES, Op.LIST_MODULE_VERSIONS])
    def test_members_that_nobody_knows_yet_are_passed_over(self, cloud: Cloud, operation: Op) -> None:
        if not cloud.supports(operation):
            pytest.skip(f"{operation} is not there")
        filled(cloud)
        more = {"device": cloud.device()} if operation == Op.LIST_MODULE_VERSIONS else {}
        expected = cloud.rows(operation, product=cloud.product, **more)
        cloud.tape.after = lambda request, response: changed(response, lambda value: value | {"x_new": [{"a": 1}]})
        assert cloud.rows(operation, product=cloud.product, **more) == expected

    @pytest.mark.parametrize("operation", [Op.LIST_MODULES, Op.LIST_PACKAGES, Op.LIST_DEVICES, Op.LIST_MODULE_VERSIONS])
    @pytest.mark.parametrize("value", [None, 0, "x", [], {}])
    def test_members_of_another_type_raise_no_error_but_ours(self, cloud: Cloud, operation: Op, value: Any) -> None:
        if not cloud.supports(operation):
            pytest.skip(f"{operation} is not there")
        filled(cloud)
        more = {"device": cloud.device()} if operation == Op.LIST_MODULE_VERSIONS else {}
        cloud.tape.after = lambda request, response: changed(response, lambda old: dict.fromkeys(old, value))
        with contextlib.suppress(OtaBridgeError):
            cloud.do(operation, product=cloud.product, **more)

    def test_an_error_says_whose_it_is(self, cloud: Cloud) -> None:
        sent(cloud)
        cloud.tape.after = spoilt(b"", 500)
        with pytest.raises(ServerError) as error:
            cloud.rows(Op.LIST_MODULES, product=cloud.product)
        told(cloud, error.value)


def sent(cloud: Cloud) -> None:
    """Skip the test for a backend that sends nothing."""
    cloud.begin()
    cloud.rows(Op.LIST_MODULES, product=cloud.product)
    if not cloud.tape.sent:
        pytest.skip("the backend sends no requests")


def filled(cloud: Cloud) -> None:
    """A product with something of everything."""
    sent(cloud)
    (module,) = cloud.lay()
    cloud.package("1.0")
    if cloud.ground.reports:
        cloud.report({(cloud.device(), module): "1.0"})
    cloud.settle()


def changed(response: Response, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Response:
    """An answer with every object of its JSON changed."""

    def deep(value: Any) -> Any:
        if isinstance(value, list):
            return [deep(item) for item in value]
        return change({name: deep(item) for name, item in value.items()}) if isinstance(value, dict) else value

    try:
        value = json.loads(response.body)
    except ValueError:
        return response
    return Response(response.status, response.headers, json.dumps(deep(value)).encode())


def told(cloud: Cloud, error: OtaBridgeError, operation: Op | None = None) -> None:
    """An error that says what support will ask for."""
    assert isinstance(error, ApiError)
    assert error.backend == cloud.backend.name
    assert error.operation, "the error does not say which operation it is of"
    assert str(error), "the error has no words"
