"""The facade's object storage beside its API: which is asked, what is refused, and what a person is told."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from otabridge_huawei import obs_signing as signing
from otabridge_huawei.facade_objects import ObsDialect, located
from otabridge_huawei.obs_signing import LegacySigner, V4Signer

from otabridge.facade import Account, Call
from otabridge.objects import Outcome
from otabridge.serve import Server, running
from otabridge.signing import World
from otabridge.wire import Pairs, Request
from tests.support.objects import Corner, Got

BYTES = b"bytes"


class Clock:
    def __init__(self) -> None:
        self.now = datetime.now(UTC)


@pytest.fixture(scope="module")
def strict() -> Iterator[Server]:
    with running("huawei", strict=True) as server:
        Corner(server).ask("PUT", "/abc")
        yield server


@pytest.fixture
def corner(server: Server) -> Corner:
    return Corner(server)


def legacy(server: Server, method: str, path: str, body: bytes = b"", query: Pairs = (), **more: Any) -> Got:
    """Ask, signed by OBS's own signature."""
    headers = more.pop("headers", ())
    request = Request(operation="any", method=method, path=path, query=query, headers=headers)
    keys = {"access_key": server.access_key, "secret_key": server.secret_key} | more
    signed = LegacySigner(**keys).sign(request, now=datetime.now(UTC), nonce="unused")
    return Corner(server).send(method, signed.target, dict(signed.headers), body)


# --- which of the two is asked ----------------------------------------------------------------------------------------


def place(target: str, host: str = "127.0.0.1:8080", **headers: str) -> tuple[str, str, str] | None:
    given = {"host": host, **{name.replace("_", "-"): value for name, value in headers.items()}}
    call = Call(
        method="GET", target=target, headers=given, now=datetime.now(UTC), id="id", origin="http://127.0.0.1:8080"
    )
    return located(call)


SIGNED = "AWS AK:signature"


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/abc", ("", "abc", "")),
        ("/abc/", ("", "abc", "")),
        ("/abc/a%20b/c", ("", "abc", "a%20b/c")),
        ("/abc//c", ("", "abc", "/c")),
        ("/v5a/k", ("", "v5a", "k")),
        ("/otabridge-packages/p/0/n", ("", "otabridge-packages", "p/0/n")),
        ("/v5/iot/p/products", None),
        ("/v5", None),
        ("/v5/abc/k", None),
        ("/v5/any", None),
        ("/v3/auth/tokens", None),
        ("/v3.0/OS-CREDENTIAL/securitytokens", None),
        ("/v10.2/x", None),
        ("/_otabridge/", None),
        ("/_otabridge-x", None),
        ("/", None),
        ("/ab/k", None),
        ("/Abc/k", None),
    ],
)
def test_a_path_is_of_objects_or_of_the_api(target: str, expected: tuple[str, str, str] | None) -> None:
    assert place(target) == expected


@pytest.mark.parametrize(
    ("host", "target", "expected"),
    [
        ("abc.obs.cn-north-4.myhuaweicloud.com", "/a/b", ("abc", "abc", "a/b")),
        ("a.b.c.obs.cn-north-4.myhuaweicloud.com", "/", ("a.b.c", "a.b.c", "")),
        ("abc.obs.localhost:8080", "/v5/iot/x", ("abc", "abc", "v5/iot/x")),
        ("abc.localhost:8080", "/a", ("abc", "abc", "a")),
        ("abc.127.0.0.1:8080", "/a", ("abc", "abc", "a")),
        ("abc.localhost:8080", "/v5/iot/x", None),
        ("obs.cn-north-4.myhuaweicloud.com", "/abc/k", ("", "abc", "k")),
        ("host.docker.internal", "/abc/k", ("", "abc", "k")),
        ("iotda.cn-north-4.myhuaweicloud.com", "/v5/iot/x", None),
        ("f00d.st1.iotda-app.cn-north-4.myhuaweicloud.com", "/abc/k", ("", "abc", "k")),
        ("localhost:8080", "/abc/k", ("", "abc", "k")),
        ("[::1]:8080", "/abc/k", ("", "abc", "k")),
        ("10.0.0.1", "/abc/k", ("", "abc", "k")),
    ],
)
def test_a_bucket_may_be_in_the_hosts_name(host: str, target: str, expected: tuple[str, str, str] | None) -> None:
    assert place(target, host) == expected


def test_who_signs_for_objects_is_heard_even_without_a_bucket() -> None:
    assert place("/", authorization=SIGNED) == ("", "", "")
    assert place("/Abc", authorization=SIGNED) == ("", "Abc", "")
    assert place("/v5/x", authorization=SIGNED) is None


def test_who_has_the_apis_credential_asks_the_api() -> None:
    assert place("/abc/k", x_sdk_date="20260102T030405Z") is None
    assert place("/abc/k", x_auth_token="a-token") is None


def test_the_api_goes_on_beside_the_objects(server: Server) -> None:
    assert httpx.get(f"{server.url}/v5/iot/nothing").json()["error_code"]
    assert httpx.get(f"{server.url}/v5/abc/k").headers["content-type"].startswith("application/json")


# --- who may ----------------------------------------------------------------------------------------------------------


def test_without_a_signature_nothing_may_be(server: Server) -> None:
    answer = httpx.get(f"{server.url}/abc/k")
    assert answer.status_code == 403
    error = ElementTree.fromstring(answer.content)
    assert (error.tag, error.findtext("Code"), error.findtext("Resource")) == ("Error", "AccessDenied", "/abc/k")
    assert error.findtext("RequestId") == answer.headers["x-amz-request-id"]


@pytest.mark.parametrize("scheme", ["OBS", "AWS"])
def test_the_older_signatures_are_verified(server: Server, scheme: str) -> None:
    assert legacy(server, "PUT", "/abc/a b", BYTES, scheme=scheme).status == 200
    assert legacy(server, "GET", "/abc/a b", scheme=scheme).body == BYTES
    assert legacy(server, "GET", "/abc/a b", scheme=scheme, secret_key="wrong").code == "SignatureDoesNotMatch"
    assert legacy(server, "GET", "/abc/a b", scheme=scheme, access_key="wrong").code == "InvalidAccessKeyId"


def test_each_dialect_has_its_own_headers(server: Server, corner: Corner) -> None:
    found = legacy(server, "GET", "/abc", query=(("prefix", "x"),))
    assert "x-obs-request-id" in found.headers
    assert b"obs.myhwclouds.com" in found.body
    found = corner.ask("GET", "/abc")
    assert "x-amz-request-id" in found.headers
    assert b"s3.amazonaws.com" in found.body


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        ("Bearer token", "InvalidArgument"),
        ("AWS", "InvalidAccessKeyId"),
        ("AWS nothing", "InvalidAccessKeyId"),
        ("OBS :", "InvalidAccessKeyId"),
        ("AWS4-HMAC-SHA256 nothing", "InvalidAccessKeyId"),
        ("AWS4-HMAC-SHA256 Credential={key}", "AccessDenied"),
        ("AWS {key}:x", "AccessDenied"),
    ],
)
def test_a_broken_authorization_is_refused(server: Server, corner: Corner, authorization: str, code: str) -> None:
    headers = {"Authorization": authorization.format(key=server.access_key)}
    assert corner.send("GET", "/abc/k", headers).code == code


def test_clocks_may_differ_by_fifteen_minutes() -> None:
    clock = Clock()
    with running("huawei", world=World(now=lambda: clock.now)) as server:
        for minutes, code in ((14, "NoSuchKey"), (-14, "NoSuchKey"), (16, "RequestTimeTooSkewed")):
            clock.now = datetime.now(UTC) + timedelta(minutes=minutes)
            assert Corner(server).ask("GET", "/abc/k").code == code
            assert legacy(server, "GET", "/abc/k").code == code


@pytest.mark.parametrize("dialect", ["V4", "OBS", "AWS"])
def test_a_url_ends(dialect: str) -> None:
    clock = Clock()
    with running("huawei", world=World(now=lambda: clock.now)) as server:
        corner, keys = Corner(server), (server.access_key, server.secret_key)
        corner.ask("PUT", "/abc/k", BYTES)
        request = Request(operation="any", origin=f"http://{corner.place}", path="/abc/k")
        if dialect == "V4":
            signed = V4Signer(*keys, region="any").presign(request, now=clock.now, seconds=60)
        else:
            until = clock.now + timedelta(seconds=60)
            signed = LegacySigner(*keys, scheme=dialect).presign(request, expires=until)  # type: ignore[arg-type]
        assert corner.send("GET", signed.target, {}).body == BYTES
        assert corner.send("PUT", signed.target, {}, BYTES).code == "SignatureDoesNotMatch"
        assert corner.send("GET", signed.target.replace("/abc/k", "/abc/l"), {}).code == "SignatureDoesNotMatch"
        clock.now += timedelta(seconds=62)
        late = corner.send("GET", signed.target, {})
        assert late.code == "AccessDenied"
        assert b"Request has expired" in late.body


@pytest.mark.parametrize("seconds", [0, 604_801])
def test_a_url_lives_for_a_week_at_most(server: Server, corner: Corner, seconds: int) -> None:
    request = Request(operation="any", origin=f"http://{corner.place}", path="/abc/k")
    signed = corner.signer.presign(request, now=datetime.now(UTC), seconds=seconds)
    assert corner.send("GET", signed.target, {}).code == "InvalidArgument"


def test_every_amz_header_must_be_signed(corner: Corner) -> None:
    request = corner.signed("PUT", "/abc/k")
    headers = {**dict(request.headers), "x-amz-meta-a": "1"}
    assert corner.send("PUT", request.target, headers, BYTES).code == "AccessDenied"


def temporary(server: Server) -> dict[str, str]:
    """A key that the facade's own API has issued, with its token."""
    user = {"name": "someone", "password": server.secret_key, "domain": {"name": "home"}}
    auth = {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": {"project": {"name": "any"}}}
    token = httpx.post(f"{server.url}/v3/auth/tokens", json={"auth": auth}).headers["X-Subject-Token"]
    identity = {"methods": ["token"], "token": {"id": token, "duration_seconds": 900}}
    answer = httpx.post(f"{server.url}/v3.0/OS-CREDENTIAL/securitytokens", json={"auth": {"identity": identity}})
    issued = answer.json()["credential"]
    return {"access_key": issued["access"], "secret_key": issued["secret"], "security_token": issued["securitytoken"]}


def test_a_temporary_key_needs_its_token_and_ends() -> None:
    clock = Clock()
    with running("huawei", world=World(now=lambda: clock.now)) as server:
        keys = temporary(server)
        assert legacy(server, "GET", "/abc/k", **keys).code == "NoSuchKey"
        assert legacy(server, "GET", "/abc/k", **keys | {"security_token": "another"}).code == "InvalidToken"
        assert legacy(server, "GET", "/abc/k", **keys | {"security_token": None}).code == "InvalidToken"
        clock.now += timedelta(minutes=15)
        assert legacy(server, "GET", "/abc/k", **keys).code == "ExpiredToken"


def test_a_lasting_key_takes_any_token_unless_strict(server: Server, strict: Server) -> None:
    assert legacy(server, "GET", "/abc/k", security_token="any").code == "NoSuchKey"
    assert legacy(strict, "GET", "/abc/k", security_token="any").code == "InvalidToken"


# --- what a person is told --------------------------------------------------------------------------------------------


def mistaken(corner: Corner, change: Any, method: str = "GET", path: str = "/abc/a%20b") -> dict[str, str]:
    """The headers of a request whose canonical request was changed before it was signed."""
    date = signing.v4_date(datetime.now(UTC))
    headers = {"host": corner.place, "x-amz-content-sha256": signing.EMPTY, "x-amz-date": date}
    canonical = change(signing.canonical_request(method, path, [("a", "1")], headers, signing.EMPTY))
    scope = f"{date[:8]}/any/s3/aws4_request"
    text = signing.v4_string(canonical, date=date, scope=scope)
    signature = signing.v4_signature(signing.v4_key(corner.signer._key, scope), text)
    names = ";".join(sorted(headers))
    key = corner.signer.access_key
    headers["Authorization"] = f"{signing.V4} Credential={key}/{scope}, SignedHeaders={names}, Signature={signature}"
    return headers


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("/abc/a%20b", "/a%20b", "the bucket is left out"),
        ("/abc/a%20b", "/abc/a%2520b", "the path is encoded twice"),
        ("a=1", "", "the query is left out"),
        (signing.EMPTY, signing.UNSIGNED, "the body counts as unsigned"),
        ("GET", "PUT", "the method is PUT"),
    ],
)
def test_a_usual_mistake_is_recognized(server: Server, corner: Corner, old: str, new: str, words: str) -> None:
    def change(canonical: str) -> str:
        head, _, payload = canonical.rpartition("\n")
        return f"{head}\n{new}" if old == payload else canonical.replace(old, new, 1)

    assert corner.send("GET", "/abc/a%20b?a=1", mistaken(corner, str)).status != 403
    assert corner.send("GET", "/abc/a%20b?a=1", mistaken(corner, change)).code == "SignatureDoesNotMatch"
    verdict = server.record.entries[-1].verdict
    assert verdict.message.endswith(words)
    canonical = verdict.expected.partition(f"\n\n{signing.V4}")[0]
    assert canonical.startswith("GET\n/abc/a%20b\na=1\n")
    assert verdict.received == change(canonical)


def test_no_token_is_shown(server: Server) -> None:
    refused = legacy(server, "GET", "/abc/k", security_token="deep-token", secret_key="wrong")
    assert refused.code == "SignatureDoesNotMatch"
    assert b"x-obs-security-token:***" in refused.body
    assert b"deep-token" not in refused.body
    assert "deep-token" not in repr(server.record.entries[-1]) + server.record.entries[-1].verdict.expected


# --- whatever comes ---------------------------------------------------------------------------------------------------

NAMES = ["authorization", "x-amz-date", "date", "x-amz-content-sha256", "content-md5", "x-amz-decoded-content-length"]
WORDS = [
    *("AWS", "OBS", "AWS4-HMAC-SHA256", " ", ":", "AK", "Credential=", "AK/20260102/r/s3/aws4_request", ", "),
    *("SignedHeaders=host", "Signature=", "20260102T030405Z", "Fri, 02 Jan 2026 03:04:05 GMT", "STREAMING-", "9999"),
    *("abc", "/", "?", "&", "uploadId=", "X-Amz-Signature=1", "X-Amz-Date=", "Expires=", "AccessKeyId=AK", "%", "é"),
]
TEXT = st.lists(st.sampled_from(WORDS), max_size=8).map("".join)


@given(
    st.sampled_from(["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS"]),
    st.one_of(TEXT.map(lambda text: f"/{text}"), TEXT),
    st.dictionaries(st.sampled_from([*NAMES, "host"]), st.one_of(TEXT, st.text(max_size=20))),
    st.booleans(),
)
def test_no_head_breaks_the_dialect(method: str, target: str, headers: dict[str, str], strict: bool) -> None:
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    master = Account(access_key="AK", secret_key="SK")
    site: Any = SimpleNamespace(account=lambda key: master if key == "AK" else None, strict=strict)
    call = Call(method=method, target=target, headers=headers, now=now, id="id", origin="http://127.0.0.1")
    dialect = ObsDialect(site)
    asked = dialect.read(call)
    if asked is not None and asked.verdict.refusal:
        answer = dialect.answer(call, asked, Outcome(trouble=asked.verdict.refusal, message=asked.verdict.message))
        assert 400 <= answer.status < 500 or answer.code == "NotImplemented"
        ElementTree.fromstring(answer.body)
