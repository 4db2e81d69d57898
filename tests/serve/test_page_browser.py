"""The page as a person sees it: in headless Chromium, over the clouds' facades, wide and narrow, light and dark."""

import base64
import hashlib
import hmac
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import httpx
import pytest

import otabridge
from otabridge import ModuleVersion
from otabridge.errors import ApiError
from otabridge.serve import Server, running
from otabridge.serve.faults import Fault
from otabridge.serve.page_views import link
from tests.support.browser import CHROMIUM, Browser

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on the PATH")

HOSTILE = "<img src=x onerror=alert(1)>"
VIEWS = {
    "overview": link(""),
    "requests": link("requests"),
    "a good request": link("request", number=1),
    "a refused request": link("request", number=2),
    "a pasted text": link("request", number=2, mine="GET\n" + "x" * 300),
    "faults": link("faults"),
    "products": link("products"),
    "modules": link("modules"),
    "packages": link("packages"),
    "devices": link("devices"),
    "versions": link("versions"),
    "a product": link("product", id="thermostat"),
    "a device": link("device", product="thermostat", name="unit-007"),
    "nothing": link("nowhere"),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Three clouds over one store with a little fleet. Call 1 is good, call 2 is signed as newcomers sign."""
    artifact = tmp_path_factory.mktemp("artifact") / "app.bin"
    artifact.write_bytes(b"bytes")
    faults = [Fault(kind="delay", call=1, delay=1e-4), Fault(kind="drop", operation="Never")]
    with running("aliyun", "huawei", "tuya", faults=faults) as made:
        cloud = made.cloud
        cloud.modules.create("mcu", product="thermostat", alias="Main controller", description="long words " * 30)
        cloud.modules.create("radio", product="thermostat", alias=HOSTILE)
        cloud.packages.publish(artifact, product="thermostat", module="mcu", version="2.1")
        cloud.devices.report_versions(
            ModuleVersion(product="thermostat", device=device, module="mcu", version="2.0")
            for device in [*(f"unit-{number:03}" for number in range(70)), "d" * 256]
        )
        assert called(made, encode=quote).status_code == 200
        called(made, encode=quote_plus)
        yield made


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all tests."""
    with Browser(tmp_path_factory.mktemp("profile")) as made:
        yield made


@pytest.fixture
def browser(chromium: Browser) -> Browser:
    """The browser, on a desk of the usual size, with nothing said yet."""
    chromium.look(width=1200)
    chromium.complaints.clear()
    return chromium


def called(server: Server, *, encode: Any = quote, age: timedelta = timedelta(), **given: str) -> httpx.Response:
    """A listing by the signed-query API, signed here; `encode` is how the signer writes a value."""
    pairs = {
        "AccessKeyId": server.access_key,
        "Action": "ListOTAModuleByProduct",
        "Format": "JSON",
        "ProductKey": "thermo stat",
        "SignatureMethod": "HMAC-SHA1",
        "SignatureNonce": base64.b16encode(hashlib.md5(repr((encode, age, given)).encode()).digest()).decode(),
        "SignatureVersion": "1.0",
        "Timestamp": (datetime.now(UTC) - age).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "Version": "2018-01-20",
    } | given
    query = "&".join(f"{name}={encode(value, safe='~')}" for name, value in sorted(pairs.items()))
    text = f"GET&%2F&{quote(query, safe='~')}"
    made = base64.b64encode(hmac.digest(f"{server.secret_key}&".encode(), text.encode(), "sha1")).decode()
    return httpx.get(f"{server.urls['aliyun']}/?{query}&Signature={quote(made, safe='')}")


# --- a newcomer's way -------------------------------------------------------------------------------------------------


def test_a_newcomer_is_led_from_the_overview_to_the_first_character_that_differs(
    server: Server, browser: Browser
) -> None:
    browser.open(f"{server.url}/_otabridge/")
    assert "How to reach it" in browser.text()
    browser.follow("Requests")
    browser.follow("Refused or in error")
    browser.follow("ListOTAModuleByProduct, request 2")
    text = browser.text()
    assert "Refused: bad signature" in text
    assert "Spaces were signed as +." in text
    assert "What to look at" in text
    marked = browser.js("[...document.querySelectorAll('mark')].map(e => e.innerText)")
    assert marked == ["520", "B"]
    rows = browser.js("[...document.querySelectorAll('.differs td')].map(e => e.innerText)")
    assert rows == ["ProductKey%3Dthermo%2520stat%26", "ProductKey%3Dthermo%2Bstat%26"]
    assert browser.complaints == []


def test_what_a_client_printed_can_be_pasted_and_compared(server: Server, browser: Browser) -> None:
    browser.open(f"{server.url}{link('request', number=2)}")
    expected = "".join(browser.js("[...document.querySelectorAll('.expected')].map(e => e.innerText)"))
    browser.write("mine", expected)
    browser.follow("Compare")
    assert "The two texts are equal" in browser.text()
    assert browser.js("document.querySelectorAll('.differs').length") == 0
    assert browser.complaints == []


def test_a_client_with_a_slow_clock_sees_both_times(server: Server, browser: Browser) -> None:
    assert called(server, age=timedelta(hours=8)).status_code == 400
    browser.open(f"{server.url}{link('requests', facade='aliyun', refused=1)}")
    browser.follow(f"ListOTAModuleByProduct, request {server.record.calls.total()}")
    text = browser.text()
    assert "Refused: bad time" in text
    assert "8 h 0 min" in text
    assert "before the server's time" in text


def test_a_client_with_a_wrong_secret_key_is_told_so_on_each_cloud(server: Server, browser: Browser) -> None:
    keys = {"aliyun": ("access_key_id", "access_key_secret"), "huawei": ("access_key", "secret_key")}
    for facade, (key, secret) in keys.items():
        given: dict[str, Any] = {key: server.access_key, secret: "cnry-wrong-secret"}
        if facade == "huawei":
            given |= server.hints[facade]
        with (
            otabridge.connect(backend=facade, endpoint=server.urls[facade], **given) as cloud,
            pytest.raises(ApiError),
        ):
            list(cloud.modules.list(product="thermostat"))
        browser.open(f"{server.url}{link('request', number=server.record.calls.total())}")
        assert "Refused: bad signature" in browser.text()
        assert "Expected by the server" in browser.text()
        assert "cnry" not in browser.js("document.documentElement.outerHTML")


def test_the_fleet_is_walked_by_links_alone(server: Server, browser: Browser) -> None:
    browser.open(f"{server.url}/_otabridge/")
    for words in ("Products", "thermostat", "All devices", "Next page", "unit-007"):
        browser.follow(words)
    assert "Device unit-007" in browser.text()
    assert "mcu" in browser.text()
    browser.follow("thermostat")
    browser.follow("2.1")
    assert hashlib.sha256(b"bytes").hexdigest() in browser.text()
    assert browser.complaints == []


# --- every view -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [400, 1600])
def test_every_view_fits_is_legible_and_says_nothing_to_the_console(
    server: Server, browser: Browser, width: int, dark: bool
) -> None:
    browser.look(width=width, dark=dark)
    wrong = {}
    for name, path in VIEWS.items():
        browser.open(f"{server.url}{path}")
        faint = browser.js(_FAINT)
        over = browser.js("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        ground = browser.js("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
        found = (faint, over, (sum(ground) < 384) is dark)
        if found != ([], 0, True):
            wrong[name] = found
    # A view that is not there is a 404, which the console tells.
    complaints = [complaint for complaint in browser.complaints if "404" not in complaint]
    assert (wrong, complaints) == ({}, [])


def test_every_view_is_sound_for_those_who_do_not_see_it(server: Server, browser: Browser) -> None:
    wrong = {}
    for name, path in VIEWS.items():
        browser.open(f"{server.url}{path}")
        if found := browser.js(_UNSOUND):
            wrong[name] = found
    assert wrong == {}


def test_the_first_stop_of_the_keyboard_leads_past_the_navigation(server: Server, browser: Browser) -> None:
    browser.open(f"{server.url}/_otabridge/")
    assert browser.tab() == "To the content"
    assert browser.tab() == "Overview"


def test_markup_in_a_name_is_read_and_not_run(server: Server, browser: Browser) -> None:
    browser.open(f"{server.url}{link('modules')}")
    assert HOSTILE in browser.text()
    assert browser.js("document.images.length") == 0
    assert browser.complaints == []


def test_a_picture_of_a_page_can_be_taken(server: Server, browser: Browser, tmp_path: Path) -> None:
    browser.open(f"{server.url}/_otabridge/")
    browser.picture(tmp_path / "page.png")
    assert (tmp_path / "page.png").read_bytes().startswith(b"\x89PNG")


# Texts whose contrast with what lies behind them is below 4.5 to 1, which is what WCAG asks of small letters.
_FAINT = """(() => {
    const parts = color => color.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
        .map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
    const ground = e => {
        const color = parts(getComputedStyle(e).backgroundColor);
        return color.length === 4 && color[3] === 0 ? ground(e.parentElement) : color;
    };
    return [...document.querySelectorAll('body *')]
        .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
        .filter(e => {
            const [a, b] = [light(parts(getComputedStyle(e).color)), light(ground(e))];
            return (Math.max(a, b) + .05) / (Math.min(a, b) + .05) < 4.5;
        })
        .map(e => e.tagName + ' ' + e.innerText.slice(0, 40));
})()"""

# Landmarks, headings in order, tables with captions and scopes, labelled fields, links with words.
_UNSOUND = """(() => {
    const all = selector => [...document.querySelectorAll(selector)];
    const wrong = [];
    for (const [selector, count] of [['h1', 1], ['main', 1], ['header', 1], ['html[lang]', 1]])
        if (all(selector).length !== count) wrong.push(selector);
    const levels = all('h1, h2, h3, h4').map(e => Number(e.tagName[1]));
    levels.forEach((level, i) => { if (level > (levels[i - 1] || 0) + 1) wrong.push('heading ' + i); });
    for (const e of all('table')) if (!e.caption || !e.caption.innerText.trim()) wrong.push('table');
    for (const e of all('th')) if (!e.scope) wrong.push('th ' + e.innerText);
    for (const e of all('tbody tr')) if (!e.querySelector('th')) wrong.push('row ' + e.innerText.slice(0, 40));
    for (const e of all('input:not([type=hidden]), textarea')) if (!e.labels.length) wrong.push('field ' + e.name);
    for (const e of all('a')) if (!e.innerText.trim()) wrong.push('link ' + e.href);
    const ids = all('[id]').map(e => e.id);
    if (new Set(ids).size !== ids.length) wrong.push('ids');
    return wrong;
})()"""
