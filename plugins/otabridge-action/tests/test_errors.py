"""Every error shape and every code that the vendors document, and answers that are no answers."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from otabridge import errors as err
from otabridge.wire import Request, Response

READ = Request(operation="ListOTAFirmware")
WRITE = Request(operation="CreateOTAModule", read=False)
BUSINESS = {"RequestId": "R1", "Success": False, "Code": "iot.prod.NotExistedProduct", "ErrorMessage": "no product"}
CAMEL = {"requestId": "R1", "success": False, "code": "iot.prod.NotExistedProduct", "errorMessage": "no product"}
GATEWAY = {
    "RequestId": "R1",
    "HostId": "iot.cn-shanghai.aliyuncs.com",
    "Code": "InvalidAccessKeyId.NotFound",
    "Message": "Specified access key is not found.",
    "Recommend": "https://error-center.aliyun.com/",
}
XML = (
    "<?xml version='1.0' encoding='UTF-8'?><Error><RequestId>R1</RequestId><HostId>h</HostId>"
    "<Code>MissingFirmwareId</Code><Message>FirmwareId is mandatory for this action.</Message></Error>"
)
HTML = "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body></body></html>"
BOMB = '<?xml version="1.0"?><!DOCTYPE e [<!ENTITY a "aaaa">]><Error><Code>X</Code><Message>&a;</Message></Error>'


def judged(backend: Any, status: int, content: Any, request: Request = READ) -> Any:
    body = (
        content
        if isinstance(content, bytes)
        else (content if isinstance(content, str) else json.dumps(content)).encode()
    )
    return backend.judge(request, Response(status, {"content-type": "text/html"}, body))


@pytest.mark.parametrize(
    ("status", "content", "kind", "code", "message"),
    [
        (200, BUSINESS, err.NotFoundError, "iot.prod.NotExistedProduct", "no product"),
        (200, CAMEL, err.NotFoundError, "iot.prod.NotExistedProduct", "no product"),
        (200, {"SUCCESS": "false", "CODE": "x", "ERRORMESSAGE": "odd"}, err.InvalidRequestError, "x", "odd"),
        (200, {"Success": False}, err.InvalidRequestError, None, "no reason given"),
        (404, GATEWAY, err.AuthenticationError, "InvalidAccessKeyId.NotFound", "Specified access key"),
        (404, {k.lower(): v for k, v in GATEWAY.items()}, err.AuthenticationError, GATEWAY["Code"], "Specified"),
        (400, XML, err.InvalidRequestError, "MissingFirmwareId", "mandatory"),
        (200, XML, err.InvalidRequestError, "MissingFirmwareId", "mandatory"),
        (400, {"Code": "Throttling.User", "Message": "slow"}, err.RateLimitError, "Throttling.User", "slow"),
        (403, {"Code": "Unheard.Of", "Message": "no"}, err.ForbiddenError, "Unheard.Of", "no"),
        (400, {"Code": "Unheard.Of", "Message": "no"}, err.InvalidRequestError, "Unheard.Of", "no"),
        (500, {"Code": "Unheard.Of", "Message": "no"}, err.ServerError, "Unheard.Of", "no"),
        (400, {"Code": 17, "Message": "a number"}, err.InvalidRequestError, "17", "a number"),
        (502, HTML, err.ServerError, None, "HTTP 502"),
        (403, HTML, err.ForbiddenError, None, "HTTP 403"),
        (503, "", err.ServerError, None, "HTTP 503"),
        (429, "[]", err.RateLimitError, None, "HTTP 429"),
        (400, '{"Code":"Throttl', err.InvalidRequestError, None, "HTTP 400"),
        (400, "<Error><Code>X</Code>", err.InvalidRequestError, None, "HTTP 400"),
        (400, BOMB, err.InvalidRequestError, None, "HTTP 400"),
        (400, "<Error><Code>X</Code>" + "<a/>" * 20000 + "</Error>", err.InvalidRequestError, None, "HTTP 400"),
        (400, BOMB.encode("utf-16"), err.InvalidRequestError, None, "HTTP 400"),
        (400, '{"a":' * 100000, err.InvalidRequestError, None, "HTTP 400"),
        (500, b"\xff\xfe", err.ServerError, None, "HTTP 500"),
    ],
)
def test_every_shape_gives_class_code_and_message(
    make_backend: Any, cloud_name: str, status: int, content: Any, kind: Any, code: str | None, message: str
) -> None:
    error = judged(make_backend(cloud_name), status, content)
    assert type(error) is kind
    assert (error.status, error.code, error.operation, error.backend) == (status, code, "ListOTAFirmware", cloud_name)
    assert message in error.message


@pytest.mark.parametrize("content", [BUSINESS, CAMEL, GATEWAY, XML])
def test_the_request_id_is_kept(make_backend: Any, content: Any) -> None:
    assert judged(make_backend("aliyun"), 400, content).request_id == "R1"


@pytest.mark.parametrize("content", ["", HTML, "{}", "[]", "null", '{"Succ', '{"Data":[]}', '{"Code":""}', b"\xff"])
def test_a_200_that_says_neither_success_nor_failure_is_not_understood(make_backend: Any, content: Any) -> None:
    error = judged(make_backend("aliyun"), 200, content)
    assert type(error) is err.ProtocolError
    assert error.operation == "ListOTAFirmware"


@pytest.mark.parametrize(
    "content",
    [
        {"Success": True},
        {"success": True, "code": ""},
        {"success": True, "code": None, "errorMessage": None},
        {"SUCCESS": "True"},
        '{ "Success" : true }',
    ],
)
@pytest.mark.parametrize("request_", [READ, WRITE], ids=["read", "write"])
def test_success_is_what_says_so_in_any_casing_with_or_without_a_code(
    make_backend: Any, content: Any, request_: Request
) -> None:
    assert judged(make_backend("tuya"), 200, content, request_) is None


def test_a_value_that_looks_like_success_is_no_success(make_backend: Any) -> None:
    content = {"Success": False, "Code": "x", "ErrorMessage": 'set "Success": true in the request'}
    assert type(judged(make_backend("aliyun"), 200, content)) is err.InvalidRequestError


def test_half_an_answer_to_a_write_is_no_success(make_backend: Any) -> None:
    assert type(judged(make_backend("aliyun"), 200, '{"Success":true,"RequestId":"R', WRITE)) is err.ProtocolError


CODES: dict[type[err.ApiError], str] = {
    err.AuthenticationError: (
        "SignatureDoesNotMatch InvalidAccessKeyId.NotFound InvalidTimeStamp.Expired IllegalTimestamp "
        "SignatureNonceUsed InvalidSecurityToken.Expired iot.system.UidNotFound"
    ),
    err.ForbiddenError: (
        "NoPermission Forbidden.RAM iot.common.RamActionPermissionDeny iot.common.AuthActionPermissionDeny "
        "iot.Prod.NotProductOwner Iot.system.BillIsOverDue iot.common.APINotSupportedInInstance "
        "iot.common.InvalidTenant"
    ),
    err.RateLimitError: (
        "Throttling Throttling.User Throttling.Api iot.firmware.SystemBusy iot.firmware.TooManyDeviceUpgrade "
        "iot.messagebroker.RateLimit"
    ),
    err.QuotaExceededError: (
        "iot.ota.CreateOTAModuleExceedLimit iot.firmware.ModuleCountLimitExceeded iot.firmware.FirmwareCountExceedMax"
    ),
    err.ConflictError: (
        "iot.ota.CreateOTAModuleNameExist iot.ota.DeleteOTAModulePackageExist iot.firmware.AlreadyExistedFirmwareName "
        "iot.firmware.AlreadyExistedFirmwareVersion iot.firmware.InProgressVerifyJobExisted "
        "iot.firmware.InProgressDynamicJobExisted"
    ),
    err.NotFoundError: (
        "iot.prod.NotExistedProduct iot.device.NotExistedDevice iot.group.NotExistedGroup iot.ota.OTAModuleNotExist "
        "iot.firmware.FirmwareNotFound iot.ota.FirmwareNotFound iot.firmware.DeviceUpgradeRecordNotFound"
    ),
    err.ServerError: (
        "ServiceUnavailable InternalError iot.system.SystemException iot.common.QueryDeviceActionError "
        "iot.common.QueryProductActionError iot.prod.QueryProductListActionError iot.device.QueryDeviceListActionError "
        "iot.device.QueryDeviceStatusFailed iot.ota.CreateOTAModuleFailure iot.ota.UpdateOTAModuleFailure "
        "iot.ota.DeleteOTAModuleFailure iot.ota.ListOTAModuleFailure iot.firmware.ListOTAModuleFailed "
        "iot.firmware.ListOTAModuleNameByProductFailed iot.firmware.CreateFirmwareFailure "
        "iot.firmware.DeleteFirmwareFailure iot.firmware.GenerateOTAUploadURLFailure "
        "iot.firmware.ListOTAFirmwareFailed iot.firmware.VerifyFirmwareFailed iot.firmware.CreateOTAUpgradeJobFailure"
    ),
    err.InvalidRequestError: (
        "MissingTimestamp MissingFirmwareId UnsupportedOperation InvalidAction.NotFound InvalidVersion "
        "UnsupportedHTTPMethod iot.system.IllegalRequest iot.system.InstanceNotFound iot.Sre.IotInstanceNotFound "
        "iot.system.InstanceIdSame iot.common.InvalidPageParams iot.common.InvalidFormattedParameter "
        "iot.check.ParameterIsNotLessThanMax iot.prod.NullProductKey iot.prod.InvalidFormattedProductkey "
        "iot.device.InvalidIoTId iot.device.NullDeviceName iot.device.NoneDeviceNameElement "
        "iot.device.InvalidFormattedDeviceName iot.device.InactiveDevice iot.devicesearch.InvalidSQLOffsetError "
        "iot.group.NullGroupId iot.ota.CreateOTAModuleParamError iot.ota.UpdateOTAModuleParamError "
        "iot.ota.DeleteOTAModuleParamError iot.ota.DeleteOtaDefaultModule iot.ota.ListOTAModuleParamError "
        "iot.ota.tag.KeyDuplicated iot.firmware.ModuleNameReserved iot.firmware.IncorrectFormattedModuleName "
        "iot.firmware.BlankFirmwareName iot.firmware.NullFirmwareName "
        "iot.firmware.IncorrectFormattedFirmwareName iot.firmware.NullFirmwareVersion "
        "iot.firmware.IncorrectFormattedFirmwareVersion iot.firmware.IncorrectFormattedSrcVersion "
        "iot.firmware.SrcVersionIsMandatory iot.firmware.SrcDestVersionMatched "
        "iot.firmware.FirmwareDescriptionExceedMaxLength iot.firmware.InvalidFirmwareType "
        "iot.firmware.InvalidFirmwareSign iot.firmware.InvalidFirmwareSignMethod "
        "iot.firmware.InvalidFirmwareSize iot.firmware.EmptyFirmwareFile iot.firmware.NullFirmwareUrl "
        "iot.firmware.MalformedFirmwareUrl iot.firmware.InvalidFirmwareUrl "
        "iot.firmware.InvalidGenerateOTAUploadURLParam iot.firmware.InvalidFirmwareId "
        "iot.firmware.NullFirmwareId iot.firmware.InvalidFirmware "
        "iot.firmware.FirmwareAndProductKeyMismatch iot.firmware.InvalidProductKey "
        "iot.firmware.FirmwareNotVerified iot.firmware.ReUpgradeFailedFirmwareNotVerified "
        "iot.firmware.SystemBusyForScheduleTime iot.firmware.TooManyDeviceUpgradeForScheduleTime "
        "iot.firmware.ParameterSizeExceedMax iot.firmware.SrcVersionsSizeExceedMax"
    ),
}


@pytest.mark.parametrize(("code", "kind"), [(code, kind) for kind, codes in CODES.items() for code in codes.split()])
def test_every_documented_code_has_its_class_whatever_its_case(make_backend: Any, code: str, kind: Any) -> None:
    for spelling in (code, code.upper(), code.lower()):
        error = judged(make_backend("tuya"), 200, {"success": False, "code": spelling, "errorMessage": "m"})
        assert type(error) is kind


@pytest.mark.parametrize(
    "echo",
    [
        "server string to sign is:GET&%2F&AccessKeyId%3DAK%26SecurityToken%3Dhidden",
        "Server String To Sign is [ACS3-HMAC-SHA256\nhidden]",
        "server StringToSign is hidden",
        "server side CanonicalRequest is hidden",
    ],
)
def test_the_servers_echo_of_the_signed_text_is_cut_off(make_backend: Any, echo: str) -> None:
    message = f"Specified signature is not matched with our calculation. {echo}"
    error = judged(make_backend("aliyun"), 400, {"Code": "SignatureDoesNotMatch", "Message": message})
    assert error.message == "Specified signature is not matched with our calculation"


def test_a_throttled_write_is_sent_again_with_a_new_nonce(drive: Callable[..., Any]) -> None:
    seen: list[httpx.URL] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.url)
        if len(seen) == 1:
            return httpx.Response(400, json={"Code": "Throttling.User", "Message": "slow"})
        return httpx.Response(200, json={"success": True, "code": ""})

    drive("tuya", lambda cloud: cloud.modules.delete("ble", product="p"), handler=handler)
    first, second = (url.params["SignatureNonce"] for url in seen)
    assert first != second


def test_a_deleted_thing_may_be_missing_but_a_wrong_instance_is_no_missing_thing(drive: Callable[..., Any]) -> None:
    code = "iot.firmware.FirmwareNotFound"

    def handler(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"Success": False, "Code": code, "ErrorMessage": "m"})

    def use(cloud: Any) -> Any:
        return cloud.packages.delete("f1", missing_ok=True)

    assert drive("aliyun", use, handler=handler) is None
    code = "iot.system.InstanceNotFound"
    with pytest.raises(err.InvalidRequestError):
        drive("aliyun", use, handler=handler)


def test_a_success_inside_a_failure_is_a_failure(make_backend: Any) -> None:
    body = {"Success": False, "Code": "iot.system.SystemException", "ErrorMessage": "m", "Data": {"success": True}}
    assert isinstance(judged(make_backend("aliyun"), 200, body), err.ServerError)
