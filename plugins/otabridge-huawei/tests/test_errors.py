"""Every error shape and every code that the vendor documents, and answers that are no answers."""

import json
from typing import Any

import pytest
from otabridge_huawei.backend import HuaweiBackend

from otabridge import errors as err
from otabridge.wire import Request, Response

READ = Request(operation="ShowOtaModule", path="/x")
WRITE = Request(operation="CreateOtaModule", method="POST", path="/x", read=False)
DELETE = Request(operation="DeleteOtaModule", method="DELETE", path="/x", read=False)
IOTDA = {"error_code": "IOTDA.000006", "error_msg": "Invalid input data."}
GATEWAY = {
    "error_msg": "Incorrect IAM authentication information: verify aksk signature fail",
    "error_code": "APIGW.0301",
    "request_id": "8080d377bffeb6d519b0567c09cebe6b",
}
IAM = {"error": {"code": 401, "message": "The password is wrong", "title": "Unauthorized"}}
HTML = "<html><head><title>502 Bad Gateway</title></head></html>"


def judged(
    cloud: Any, status: int, content: Any, request: Request = READ, headers: dict[str, str] | None = None
) -> Any:
    body = (
        content
        if isinstance(content, bytes)
        else (content if isinstance(content, str) else json.dumps(content)).encode()
    )
    return cloud.backend.judge(request, Response(status, headers or {}, body))


@pytest.mark.parametrize(
    ("status", "content", "kind", "code", "message"),
    [
        (400, IOTDA, err.InvalidRequestError, "IOTDA.000006", "Invalid input data."),
        (401, GATEWAY, err.AuthenticationError, "APIGW.0301", "verify aksk signature fail"),
        (401, IAM, err.AuthenticationError, "401", "The password is wrong"),
        (400, {"errorCode": "X.1", "errorMsg": "camel"}, err.InvalidRequestError, "X.1", "camel"),
        (409, {"code": "X.2", "message": "taken"}, err.ConflictError, "X.2", "taken"),
        (404, {"wrapped": {"error_code": "X.3", "error_msg": "inner"}}, err.NotFoundError, "X.3", "inner"),
        (403, {**IOTDA, "encoded_authorization_message": "abc"}, err.InvalidRequestError, "IOTDA.000006", "Invalid"),
        (403, {"error_msg": "no code"}, err.ForbiddenError, None, "no code"),
        (400, {"error_code": "X.4"}, err.InvalidRequestError, "X.4", "HTTP 400"),
        (502, HTML, err.ServerError, None, "502 Bad Gateway"),
        (500, "", err.ServerError, None, "an empty answer"),
        (403, '<?xml version="1.0"?><Error/>', err.ForbiddenError, None, "<Error/>"),
        (400, '{"error_code":"IOTDA.0000', err.InvalidRequestError, None, "HTTP 400"),
        (503, b"\xff\xfe", err.ServerError, None, "HTTP 503"),
        (429, "[]", err.RateLimitError, None, "HTTP 429"),
        (
            200,
            {"error_code": "IOTDA.014111", "error_msg": "no answer in time"},
            err.ServerError,
            "IOTDA.014111",
            "time",
        ),
        (200, {"error_code": "IOTDA.001000", "error_msg": "no such space"}, err.NotFoundError, "IOTDA.001000", "space"),
        (200, {"errorCode": "X.5", "errorMsg": "odd"}, err.InvalidRequestError, "X.5", "odd"),
    ],
)
def test_every_shape_gives_class_code_and_message(
    make_cloud: Any, status: int, content: Any, kind: type[err.ApiError], code: str | None, message: str
) -> None:
    error = judged(make_cloud(), status, content)
    assert type(error) is kind
    assert (error.status, error.code, error.operation, error.backend) == (status, code, "ShowOtaModule", "huawei")
    assert message in error.message


CODES = {
    err.AuthenticationError: "IOTDA.000002 IOTDA.000004 APIGW.0301 APIGW.0303 APIGW.0305 APIGW.0307 APIGW.0311",
    err.ForbiddenError: "IOTDA.000021 APIGW.0302 APIGW.0304 APIGW.0306 APIGW.0310 APIGW.0402 APIGW.0801",
    err.NotFoundError: "IOTDA.001000 IOTDA.014000 IOTDA.014204",
    err.ConflictError: "IOTDA.014031",
    err.InvalidRequestError: "IOTDA.000006 IOTDA.000017 IOTDA.000018 APIGW.0602",
    err.QuotaExceededError: "APIGW.0501",
    err.RateLimitError: "APIGW.0308 IOTDA.021101 iotda.021102",
    err.ServerError: "IOTDA.000001 APIGW.0601 APIGW.0610 APIGW.0613",
}


@pytest.mark.parametrize(("kind", "code"), [(kind, code) for kind, codes in CODES.items() for code in codes.split()])
def test_a_known_code_says_more_than_the_status(make_cloud: Any, kind: type[err.ApiError], code: str) -> None:
    assert type(judged(make_cloud(), 418, {"error_code": code, "error_msg": "m"})) is kind


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"x-request-id": "from-header"}, "from-header"),
        ({"x-iam-trace-id": "from-iam"}, "from-iam"),
        ({}, "8080d377bffeb6d519b0567c09cebe6b"),
    ],
)
def test_the_request_id_is_kept(make_cloud: Any, headers: dict[str, str], expected: str) -> None:
    assert judged(make_cloud(), 401, GATEWAY, headers=headers).request_id == expected


@pytest.mark.parametrize("content", [HTML, "", '{"module_id": "x', "[]"])
@pytest.mark.parametrize("request_", [WRITE, DELETE], ids=["create", "delete"])
def test_a_success_of_a_write_that_is_no_json_object_is_not_understood(
    make_cloud: Any, request_: Request, content: str
) -> None:
    error = judged(make_cloud(), 201, content, request_)
    if request_ is DELETE and not content:
        assert error is None
    else:
        assert type(error) is err.ProtocolError


@pytest.mark.parametrize("content", [HTML, "", '{"product_id": "p', "[]", "{}", '{"module_name": "m"}'])
def test_a_success_of_a_read_that_is_not_the_object_is_not_understood(make_cloud: Any, content: str) -> None:
    cloud = make_cloud((200, content))
    with pytest.raises(err.ProtocolError) as caught:
        cloud.run(cloud.backend.get_module(module_id="m"))
    assert caught.value.operation == "ShowOtaModule"


def test_a_member_named_error_in_a_good_answer_is_no_error(make_cloud: Any) -> None:
    good = {"module_id": "m", "code": "c", "message": "m", "error_code": None, "error_rate": {"code": 7}}
    assert judged(make_cloud(), 200, good) is None


def test_a_stale_token_is_told_from_other_refusals() -> None:
    assert {"apigw.0307"} == HuaweiBackend.STALE
