"""Addresses that a cloud gives: which are asked, at which very address, without credentials, and how far they lead."""

import ipaddress
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otabridge.errors import ConfigurationError, ConnectError, OtaBridgeError, ProtocolError, TransportError
from otabridge.flow import Flow
from otabridge.links import Links
from otabridge.models import Artifact
from otabridge.transfers import fetched
from tests.support import server as servers
from tests.support.server import Behaviour, RawServer, head_of, reply
from tests.support.wire import ONCE, Wire

FAR = Links.of("https://api.cloud.test:8443", "Mine.test", "*.files.test")
NEAR = Links(hosts=("*.localhost", "127.0.0.1", "10.0.0.1"), loopback=True)

ASKED = [
    "https://api.cloud.test/a",
    "https://api.cloud.test:8443/a?b=c%20d&e",
    "https://a.files.test/%2e?x",
    "https://A.B.Files.Test/",
    "https://mine.test",
]
REFUSED = {
    "http://a.files.test/": "only https",
    "ftp://a.files.test/": "plain https",
    "file:///etc/passwd": "plain https",
    "//a.files.test/": "plain https",
    "": "plain https",
    "https://": "plain https",
    "https://files.test/": "no host that is known",
    "https://afiles.test/": "no host that is known",
    "https://a.files.test.evil.test/": "no host that is known",
    "https://cloud.test/": "no host that is known",
    "https://a.files.test@evil.test/": "plain https",
    "https://user:pass@a.files.test/": "plain https",
    "https://a.files.test\\@evil.test/": "plain https",
    "https://a.files.test./": "plain https",
    "https://a.files.test:0/": "plain https",
    "https://a.files.test:99999/": "plain https",
    "https://a.files.test /": "plain https",
    "https://a.files.test/\r\nHost: evil": "plain https",
    "https://ä.files.test/": "plain https",
    "https://[::1]/": "no host that is known",
    "https://[fe80::1%25eth0]/": "plain https",
    "https://127.0.0.1/": "no host that is known",
    "https://a.files.test/" + "a" * 9000: "plain https",
}


@pytest.mark.parametrize("url", ASKED)
def test_an_address_of_a_known_host_is_asked_as_it_was_given_and_without_credentials(url: str) -> None:
    request = FAR.request("GetFile", url)
    parts = urlsplit(url)
    assert request.origin == f"https://{parts.netloc.lower()}"
    assert request.on_wire().target == (url.partition(parts.netloc)[2] or "/")
    assert (request.auth, request.links) == (False, FAR)


@pytest.mark.parametrize("url", REFUSED)
def test_another_address_is_refused_in_words(url: str) -> None:
    with pytest.raises(ProtocolError, match=REFUSED[url]) as caught:
        FAR.request("GetFile", url)
    assert "pass" not in str(caught.value).replace("passwd", "")


def test_what_is_refused_names_the_setting_that_allows_it() -> None:
    with pytest.raises(ProtocolError, match=r"evil\.test .* file_hosts"):
        FAR.request("GetFile", "https://evil.test/?Signature=s3cret")


@given(st.text(alphabet="htps:/.@?#[]%\\a1-files.test\r\n ", max_size=60))
def test_whatever_is_asked_goes_to_a_known_host(text: str) -> None:
    for url in (text, f"https://{text}", f"https://a.files.test{text}"):
        try:
            request = FAR.request("GetFile", url)
        except ProtocolError:
            continue
        host = request.origin.removeprefix("https://").partition(":")[0]
        assert host.endswith(".files.test") or host in ("api.cloud.test", "mine.test")


def test_without_a_loopback_endpoint_this_machine_is_not_asked() -> None:
    links = Links.of("https://cloud.test", "127.0.0.1", "*.localhost", "10.0.0.1")
    for url in ("https://127.0.0.1/", "https://10.0.0.1/", "http://a.localhost/", "http://127.0.0.1/"):
        with pytest.raises(ProtocolError):
            links.request("GetFile", url)


def test_a_loopback_endpoint_gives_no_leave_for_private_addresses() -> None:
    assert NEAR.request("GetFile", "http://127.0.0.1:8080/a").origin == "http://127.0.0.1:8080"
    with pytest.raises(ProtocolError, match="no public address"):
        NEAR.request("GetFile", "https://10.0.0.1/a")


# Address -> whether it is public.
ADDRESSES = {
    **dict.fromkeys(("8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::"), True),
    **dict.fromkeys(("10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254", "0.0.0.0"), False),
    **dict.fromkeys(("224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1"), False),
    **dict.fromkeys(("::", "fe80::1%eth0", "fc00::1", "fec0::1", "ff02::1", "2001:db8::1"), False),
    **dict.fromkeys(("::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "64:ff9b:1::1"), False),
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_public_addresses_alone_are_connected_to(address: str) -> None:
    assert FAR.admits(address) is NEAR.admits(address) is ADDRESSES[address]


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"])
def test_this_machine_is_connected_to_for_a_cloud_that_is_there(address: str) -> None:
    assert (FAR.admits(address), NEAR.admits(address)) == (False, True)


@given(st.ip_addresses(v=4))
def test_an_address_is_as_public_in_the_clothes_of_the_other_kind(address: ipaddress.IPv4Address) -> None:
    for form in (f"::ffff:{address}", f"64:ff9b::{address}"):
        assert FAR.admits(form) is FAR.admits(str(address))


# --- on the wire ------------------------------------------------------------------------------------------------------


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Says what names lead to, one list of addresses after the other; what is asked is kept."""
    real, answers, asked = socket.getaddrinfo, {}, []  # type: ignore[var-annotated]

    def resolved(host: Any, port: Any, *args: Any, **more: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name not in answers:
            return real(host, port, *args, **more)
        asked.append(name)
        found = answers[name].pop(0) if len(answers[name]) > 1 else answers[name][0]
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [row for address in found for row in real(address, port, *args, **more)]

    monkeypatch.setattr(socket, "getaddrinfo", resolved)

    def tell(name: str, *found: list[str]) -> list[str]:
        answers[name] = [*found]
        return asked

    return tell


def got(wire: Wire, links: Links, url: str, folder: Path, **settings: Any) -> Path | OtaBridgeError:
    """The file at an address, or the error."""
    client = wire.client("https://cloud.test", policy=ONCE, **settings)
    steps = fetched(links.request("GetFile", url), Artifact(name="a.bin"), folder, nonce="n0")
    try:
        return client.run(Flow(steps, "download"))
    except OtaBridgeError as error:
        return error


def test_the_address_that_is_checked_is_the_one_that_is_connected_to(
    wire: Wire, tmp_path: Path, names: Callable[..., list[str]]
) -> None:
    with RawServer(reply(b"file")) as server:
        asked = names("a.localhost", ["127.0.0.1"], ["127.0.0.2"])
        found = got(wire, NEAR, f"http://a.localhost:{server.port}/f?Signature=x%2By", tmp_path)
        wire.bench.close()
    assert isinstance(found, Path)
    assert found.read_bytes() == b"file"
    assert asked == ["a.localhost"]
    line, headers = head_of(server.requests[0])
    assert (line, headers["Host"]) == ("GET /f?Signature=x%2By HTTP/1.1", f"a.localhost:{server.port}")
    assert {name.lower() for name in headers} <= {"host", "connection"}


@pytest.mark.parametrize("found", [["10.0.0.1"], ["127.0.0.1", "10.0.0.1"], ["169.254.169.254"], ["fc00::1"]])
def test_a_name_that_leads_to_a_private_address_is_not_connected_to(
    wire: Wire, tmp_path: Path, names: Callable[..., list[str]], found: list[str]
) -> None:
    with RawServer(reply(b"file")) as server:
        names("a.localhost", found)
        error = got(wire, NEAR, f"http://a.localhost:{server.port}/", tmp_path)
        wire.bench.close()
    assert isinstance(error, ProtocolError)
    assert "a.localhost leads to" in str(error)
    assert server.connections == 0
    assert [*tmp_path.iterdir()] == []


def test_a_name_that_leads_here_is_not_connected_to_for_a_cloud_elsewhere(
    wire: Wire, tmp_path: Path, names: Callable[..., list[str]]
) -> None:
    names("a.files.test", ["127.0.0.1"])
    error = got(wire, FAR, "https://a.files.test/", tmp_path)
    assert isinstance(error, ProtocolError)
    assert "leads to 127.0.0.1" in str(error)


def test_a_name_that_leads_nowhere_is_no_connection(
    wire: Wire, tmp_path: Path, names: Callable[..., list[str]]
) -> None:
    names("a.files.test", [])
    error = got(wire, FAR, "https://a.files.test/", tmp_path)
    assert isinstance(error, ConnectError)
    assert "not known" in str(error)


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A certificate for `a.localhost`, which servers have from now on."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("a.localhost")]), critical=True)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path / "own.pem"
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    monkeypatch.setattr(servers, "CERTIFICATE", path)
    return path


@pytest.mark.parametrize(("name", "accepted"), [("a.localhost", True), ("b.localhost", False)])
def test_the_certificate_must_be_the_names(
    wire: Wire, tmp_path: Path, names: Callable[..., list[str]], certificate: Path, name: str, accepted: bool
) -> None:
    with RawServer(reply(b"file"), tls=True) as server:
        names(name, ["127.0.0.1"])
        found = got(wire, NEAR, f"https://{name}:{server.port}/", tmp_path / "out", ca_file=str(certificate))
        wire.bench.close()
    assert isinstance(found, Path if accepted else TransportError)
    assert len(server.requests) == accepted


# --- redirects --------------------------------------------------------------------------------------------------------


def to(place: str) -> Behaviour:
    return reply(b"<Error><Code>Moved</Code></Error>", "302 Found", f"Location: {place}")


def test_three_redirects_are_followed(wire: Wire, tmp_path: Path) -> None:
    with RawServer(to("/one"), to("two?x=%2F"), to("/three"), reply(b"file")) as server:
        found = got(wire, NEAR, f"{server.url}/", tmp_path)
        wire.bench.close()
    assert isinstance(found, Path)
    targets = [head_of(request)[0].split()[1] for request in server.requests]
    assert targets == ["/", "/one", "/two?x=%2F", "/three"]


def test_the_fourth_redirect_is_not_followed(wire: Wire, tmp_path: Path) -> None:
    with RawServer(to("/again")) as server:
        error = got(wire, NEAR, f"{server.url}/", tmp_path)
        wire.bench.close()
    assert isinstance(error, ProtocolError)
    assert "3 redirects" in str(error)
    assert len(server.requests) == 4
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    "place", ["https://evil.test/", "http://169.254.169.254/", "file:///etc/passwd", "https://10.0.0.1/", "//evil.test"]
)
def test_a_redirect_is_checked_like_the_first_address(wire: Wire, tmp_path: Path, place: str) -> None:
    with RawServer(to(place)) as server:
        error = got(wire, NEAR, f"{server.url}/", tmp_path)
        wire.bench.close()
    assert isinstance(error, ProtocolError)
    assert "not asked" in str(error)
    assert len(server.requests) == 1


def test_through_a_proxy_the_name_is_the_proxys_to_resolve(
    wire: Wire, tmp_path: Path, names: Callable[..., list[str]]
) -> None:
    with RawServer(reply(b"file")) as proxy:
        asked = names("a.localhost", ["127.0.0.1"])
        found = got(wire, NEAR, "http://a.localhost:1/f", tmp_path, proxy=proxy.url)
        wire.bench.close()
    assert isinstance(found, Path)
    assert head_of(proxy.requests[0])[0] == "GET http://a.localhost:1/f HTTP/1.1"
    assert asked == []


def test_a_ca_file_that_is_none_is_told_before_anything_is_asked(wire: Wire, tmp_path: Path) -> None:
    error = got(wire, FAR, "https://a.files.test/", tmp_path / "out", ca_file=str(tmp_path / "none"))
    assert isinstance(error, ConfigurationError)
