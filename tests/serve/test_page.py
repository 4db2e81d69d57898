"""The page at `/_otabridge/` as plain HTTP gives it: what it shows of store and calls, and to whom it answers."""

import http.client
import re
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from otabridge import ModuleVersion, ServerError
from otabridge.backend import Backend
from otabridge.flow import Flow, Sleep
from otabridge.local.backend import LocalBackend
from otabridge.registry import Registry
from otabridge.serve import Server, page_views, running
from otabridge.serve.faults import Fault
from tests.serve.tiny import headers, tiny

VIEWS = [*page_views.VIEWS]
HOSTILE = "<script>alert(1)</script>&\"'"
CANARY = "cnry-ANY/7f3a+q=~*Zz%41"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A store with something of everything, and a call of each kind."""
    with tiny(
        faults=[Fault(kind="delay", operation="Never", delay=1), Fault(kind="delay", call=2, delay=1e-4)]
    ) as made:
        cloud = made.cloud
        cloud.modules.create("mcu", product="p1", alias=HOSTILE, description=HOSTILE)
        cloud.modules.create("mcu", product=HOSTILE)
        versions = [("p1", f"unit-{number:03}", "1.0") for number in range(120)]
        cloud.devices.report_versions(
            ModuleVersion(product=product, device=device, module="mcu", version=version)
            for product, device, version in [*versions, ("p1", "unit-007", "2.0"), (HOSTILE, HOSTILE, HOSTILE)]
        )
        for number in range(3):
            httpx.get(f"{made.url}/modules/p{number}", headers=headers(made, f"/modules/p{number}"))
        httpx.get(f"{made.url}/modules/p1", headers=headers(made, "/modules/p1", secret="another"))
        yield made


def shown(server: Server, view: str, **query: str | int) -> str:
    """What a view says, as text, for whoever it may concern."""
    answer = httpx.get(f"{server.url}{page_views.link(view, **query)}")
    assert answer.status_code == 200, answer.text
    return text_of(answer.text)


def text_of(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html.partition("<main")[2])).split())


# --- what is shown ----------------------------------------------------------------------------------------------------


def test_the_overview_says_what_runs_where_over_which_store(server: Server) -> None:
    text = shown(server, "")
    assert f"tiny {server.url}" in text
    assert "memory: , local backend" in text
    assert server.access_key in text


def test_the_overview_counts_calls_refusals_and_faults() -> None:
    with tiny(faults=[Fault(kind="delay", delay=1e-4, calls="1-2")]) as made:
        for secret in ("", "", "another"):
            httpx.get(f"{made.url}/modules/p", headers=headers(made, "/modules/p", secret=secret))
        assert f"Faults fired tiny {made.url} 3 1 2 Store" in shown(made, "")


@pytest.mark.parametrize("view", ["", "requests", "products", "modules", "packages", "devices", "versions", "faults"])
def test_a_view_with_nothing_to_show_says_what_to_do_next(view: str) -> None:
    with tiny() as made:
        assert re.search("None yet|No request yet|There is no fault script", shown(made, view))


def test_a_product_leads_to_its_modules_packages_and_devices(server: Server) -> None:
    text = shown(server, "product", id="p1")
    assert re.search(r"Modules 1 .* mcu .* Packages 0 .* Devices 120 ", text)
    assert page_views.link("devices", product="p1") in httpx.get(f"{server.url}/_otabridge/product?id=p1").text


def test_a_device_has_its_versions_and_its_history(server: Server) -> None:
    text = shown(server, "device", product="p1", name="unit-007")
    current, _, history = text.partition("History")
    assert "mcu 2.0" in current
    assert "mcu 1.0" not in current
    assert re.search(r"mcu 2\.0 .* mcu 1\.0", history)


def test_a_package_has_its_artifacts_and_digests(tmp_path: Any) -> None:
    (tmp_path / "app.bin").write_bytes(b"bytes")
    with tiny() as made:
        package = made.cloud.packages.publish(tmp_path / "app.bin", product="p1", module="@default", version="2.1")
        text = shown(made, "package", id=package.id)
    assert "app.bin 5 bytes sha256 277089d91c0bdf4f2e6862ba7e4a07605119431f5d13f726dd352b06f1b206a9" in text


def test_a_list_is_paged_by_cursor_to_its_end(server: Server) -> None:
    seen: list[str] = []
    following: str | None = f"{server.url}/_otabridge/devices?product=p1"
    while following:
        html = httpx.get(following).text
        rows = re.findall(r">(unit-\d+)</a>", html)
        assert len(rows) <= page_views.ROWS
        seen += rows
        found = re.search(r'rel="next" href="([^"]+)"', html)
        following = f"{server.url}{unescape(found[1])}" if found else None
    assert sorted(seen) == [f"unit-{number:03}" for number in range(120)]


@pytest.mark.parametrize("view", [view for view in VIEWS if view not in ("request", "package")])
def test_no_view_reads_more_than_a_page_of_a_list(server: Server, view: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, int | None]] = []

    def watched(name: str, operation: Any) -> Any:
        def run(self: Backend, **arguments: Any) -> Any:
            asked.append((name, arguments["limit"]))
            return operation(self, **arguments)

        return run

    for name in [name for name in dir(LocalBackend) if name.startswith("list_")]:
        monkeypatch.setattr(LocalBackend, name, watched(name, getattr(LocalBackend, name)))
    shown(server, view, id="p1", product="p1", name="unit-001")
    assert len({name for name, _ in asked}) == len(asked)
    assert all(limit is not None and limit <= page_views.ROWS for _, limit in asked)


def test_the_last_requests_come_newest_first(server: Server) -> None:
    text = shown(server, "requests")
    assert [*re.findall(r"(\d) \d\d:\d\d:\d\d\.\d\d\d tiny", text)] == ["4", "3", "2", "1"]
    assert "GET /modules/p1" in text


def test_requests_can_be_narrowed_to_those_that_went_wrong(server: Server) -> None:
    text = shown(server, "requests", refused=1)
    assert "refused: bad signature" in text
    assert text.count("GET /modules/p") == 1


def test_a_fault_that_hit_is_named_and_one_that_waits_is_pending(server: Server) -> None:
    text = shown(server, "faults")
    assert "delay at every call of Never pending has not hit a call yet" in text
    assert re.search(r"delay at call 2 of any operation 1 20\d\d-", text)
    assert "fault: delay" in shown(server, "requests")


# --- what cannot be shown ---------------------------------------------------------------------------------------------


def _unsupported(self: Backend, **arguments: Any) -> Any:
    return Backend.get_package(self, package_id="x")


def _failing(self: Backend, **arguments: Any) -> Any:
    def steps() -> Any:
        yield from ()
        raise ServerError("the cloud behind is on fire", backend="behind", status=503)

    return Flow(steps(), "list")


def _hanging(self: Backend, **arguments: Any) -> Any:
    def steps() -> Any:
        yield Sleep(3600)

    return Flow(steps(), "list")


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        (_unsupported, "Not available: local: get_package is not available: "),
        (_failing, "Not available: the cloud behind is on fire"),
        (_hanging, "Not available: the store did not answer"),
    ],
)
@pytest.mark.parametrize("view", ["devices", "product"])
def test_what_the_store_cannot_tell_is_said_in_its_place(
    server: Server, view: str, operation: Any, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LocalBackend, "list_devices", operation)
    monkeypatch.setattr(page_views, "PATIENCE", 0.05)
    assert words in shown(server, view, id="p1")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("nowhere", "There is no such page."),
        ("request?number=4000", "remembered no longer"),
        ("request?number=²", "remembered no longer"),
        ("package?id=x", "Not available: "),
        ("device?product=p1&name=nobody", "no device 'nobody'"),
    ],
)
def test_what_is_not_there_is_a_404_in_words(server: Server, path: str, words: str) -> None:
    answer = httpx.get(f"{server.url}/_otabridge/{path}")
    assert answer.status_code == 404
    assert words in text_of(answer.text)


@pytest.mark.parametrize("cursor", ["x", "-1", "[1]", "9" * 5000, "\0", "null"])
@pytest.mark.parametrize("view", ["products", "modules", "packages", "devices", "versions"])
def test_a_cursor_that_somebody_made_up_breaks_nothing(server: Server, view: str, cursor: str) -> None:
    shown(server, view, cursor=cursor)


# --- hostile names ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("view", "query"),
    [
        ("products", {}),
        ("modules", {"product": HOSTILE}),
        ("devices", {}),
        ("versions", {}),
        ("product", {"id": HOSTILE}),
        ("device", {"product": HOSTILE, "name": HOSTILE}),
    ],
)
def test_names_are_text_and_never_markup(server: Server, view: str, query: dict[str, str]) -> None:
    html = httpx.get(f"{server.url}{page_views.link(view, **query)}").text
    assert HOSTILE in unescape(html)
    assert "<script" not in html
    links = re.findall(r'href="([^"]*)"', html)
    assert all(re.fullmatch(r"#main|/_otabridge/[\w.]*(\?[\w.~%=&;-]*)?(#\w+)?", link) for link in links), links


def test_a_hostile_request_is_shown_as_text() -> None:
    with tiny() as made:
        connection = http.client.HTTPConnection(made.url.removeprefix("http://"))
        connection.putrequest("GET", "/<script>alert(1)</script>?<b>=<i>", skip_host=True)
        for name, value in {"Host": "x", "X-Odd": "\xe9<script>", "X-Text": quote(HOSTILE), "X-Key": "<img>"}.items():
            connection.putheader(name, value.encode("latin-1"))
        connection.endheaders()
        connection.getresponse().read()
        connection.close()
        for view in ("", "requests", "request?number=1"):
            html = httpx.get(f"{made.url}/_otabridge/{view}").text
            assert "/<script>alert(1)</script>" in unescape(html)
            assert not re.search("<(script|img|b|i)>", html)


@pytest.mark.parametrize(
    ("change", "signed"),
    [
        ({}, "yes, by tiny"),
        ({"secret": "another"}, "no"),
        ({"date": "1999-01-01T00:00:00+00:00"}, "not told: bad time"),
    ],
)
def test_whether_a_signature_was_good_is_told_where_it_is_known(change: dict[str, str], signed: str) -> None:
    with tiny() as made:
        httpx.get(f"{made.url}/modules/p", headers=headers(made, "/modules/p", **change))
        html = httpx.get(f"{made.url}/_otabridge/request?number=1").text
    assert re.search(r"Signature ok</dt><dd>\s*(.*?)\s*</dd>", html)[1] == signed
    assert ("the mistake is in the secret key" in html) is False


# --- secrets ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("view", ["", "requests", "request?number=1", "request?number=2"])
def test_no_secret_is_on_the_page_or_in_the_record(view: str) -> None:
    with tiny(access_key="known", secret_key=CANARY) as made:
        # A careless facade repeats what it should not.
        leaks = [CANARY, f"token:{CANARY}"]
        path = f"/modules/p?SecurityToken={quote(CANARY, safe='')}&Signature={quote(CANARY, safe='')}"
        for leak in leaks:
            sent = headers(made, path, leak=leak, token=CANARY) | {
                "authorization": f"Tiny Access=known, SignedHeaders=host, Signature={CANARY}",
                "cookie": f"s={CANARY}",
            }
            httpx.get(f"{made.url}{path}", headers=sent)
        html = httpx.get(f"{made.url}/_otabridge/{view}").text
        for text in (html, unescape(html), repr(list(made.record.entries)), str(made.record.entries[0].verdict)):
            assert CANARY not in text
            assert quote(CANARY, safe="") not in text
        assert "SignedHeaders=host" in repr(made.record.entries[0].headers)


# --- to whom it answers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bound", "host", "status"),
    [
        ("127.0.0.1", "127.0.0.1:80", 200),
        ("127.0.0.1", "localhost", 200),
        ("127.0.0.1", "LOCALHOST:1", 200),
        ("127.0.0.1", "ota.localhost:80", 200),
        ("127.0.0.1", "[::1]:80", 200),
        ("127.0.0.1", "evil.example", 403),
        ("127.0.0.1", "localhost.evil.example", 403),
        ("127.0.0.1", "evillocalhost", 403),
        ("127.0.0.1", "192.0.2.7", 403),
        ("127.0.0.1", "", 403),
        ("127.0.0.1", "[", 403),
        ("127.0.0.1", "user@evil.example", 403),
        ("localhost", "localhost:80", 200),
        ("localhost", "evil.example", 403),
        ("0.0.0.0", "127.0.0.1:80", 200),
        ("0.0.0.0", "192.0.2.7:80", 403),
        ("0.0.0.0", "evil.example", 403),
    ],
)
def test_the_page_answers_to_its_own_address_alone(bound: str, host: str, status: int) -> None:
    with tiny(host=bound) as made:
        for path in ("/_otabridge/", "/_otabridge/page.css", "/_otabridge/nowhere"):
            answer = httpx.get(f"{made.url}{path}", headers={"Host": host})
            assert (answer.status_code == 403) is (status == 403)
            assert (made.access_key in answer.text) is (status == 200 and path == "/_otabridge/")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_the_page_is_for_reading(server: Server, method: str) -> None:
    answer = httpx.request(method, f"{server.url}/_otabridge/", content=b"x")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


def test_a_head_has_no_body(server: Server) -> None:
    answer = httpx.head(f"{server.url}/_otabridge/")
    assert (answer.status_code, answer.content) == (200, b"")


def test_the_bare_name_leads_to_the_page(server: Server) -> None:
    answer = httpx.get(f"{server.url}/_otabridge")
    assert (answer.status_code, answer.headers["location"].removeprefix(server.url)) == (308, "/_otabridge/")


@pytest.mark.parametrize("path", ["", "page.css", "nowhere", "request?number=1"])
def test_every_answer_forbids_what_the_page_does_not_need(server: Server, path: str) -> None:
    sent = httpx.get(f"{server.url}/_otabridge/{path}").headers
    assert sent["content-security-policy"].startswith("default-src 'none'; style-src 'self'; ")
    assert "unsafe" not in sent["content-security-policy"]
    assert sent["x-content-type-options"] == "nosniff"
    assert sent["referrer-policy"] == "same-origin"
    assert sent["cache-control"] == "no-store"


def test_looking_at_the_page_is_no_call(server: Server) -> None:
    before = server.record.calls.total()
    shown(server, "")
    assert server.record.calls.total() == before


# --- the first call ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("facade", Registry().facades())
def test_the_program_for_the_first_call_works_as_it_stands(facade: str, capsys: pytest.CaptureFixture[str]) -> None:
    with running(facade) as made:
        html = httpx.get(f"{made.url}/_otabridge/").text
        found = re.search(r"<pre[^>]*>(.*?)</pre>", html, re.DOTALL)
        assert found
        program = unescape(found[1])
        assert made.secret_key not in program
        exec(compile(program.replace("the secret key", made.secret_key), "the first call", "exec"), {})
    assert "mcu main-controller" in capsys.readouterr().out
