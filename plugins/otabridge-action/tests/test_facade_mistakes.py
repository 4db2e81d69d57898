"""What the facade's gate tells of the usual mistakes in signing, in either scheme."""

import hashlib
import json
import re
from base64 import b64encode
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from otabridge.wire import Request, encoded_query
from tests.support.action import SECRET, acs3, ask, canonical, lowered, pairs, signature, to_sign

WORDS = "Specified signature is not matched with our calculation."

# --- in the query -----------------------------------------------------------------------------------------------------


def small(text: str) -> str:
    return re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), text)


def plain(given: dict[str, str], encode: Callable[[str], str]) -> str:
    return "&".join(f"{encode(name)}={encode(given[name])}" for name in sorted(given))


MISTAKES: dict[str, Callable[[dict[str, str]], tuple[bytes | str, str]]] = {
    "without the &": lambda given: (b64encode(signature(to_sign(canonical(given)), SECRET)), to_sign(canonical(given))),
    "HMAC-SHA256": lambda given: (
        b64encode(signature(to_sign(canonical(given)), kind="sha256")),
        to_sign(canonical(given)),
    ),
    "hex digits were sent": lambda given: (signature(to_sign(canonical(given))).hex(), to_sign(canonical(given))),
    "came as a space": lambda given: (
        b64encode(signature(to_sign(canonical(given)))).decode().replace("+", " "),
        to_sign(canonical(given)),
    ),
    **{
        words: lambda given, wrong=wrong: (b64encode(signature(to_sign(wrong(given)))), to_sign(wrong(given)))
        for words, wrong in {
            "spaces were signed as +": lambda given: plain(given, quote_plus),
            "* was signed": lambda given: canonical(given).replace("%2A", "*"),
            "~ was signed": lambda given: canonical(given).replace("~", "%7E"),
            "/ was signed": lambda given: plain(given, lambda text: quote(text, safe="/~")),
            "as they are, not percent-encoded": lambda given: plain(given, str),
            "percent-encoding has small hex digits": lambda given: small(canonical(given)),
            "parameters were not sorted": lambda given: encoded_query(given.items()),
            "ignoring case": lambda given: encoded_query(sorted(given.items(), key=lambda pair: pair[0].lower())),
            "empty parameters were left out": lambda given: canonical({k: v for k, v in given.items() if v}),
        }.items()
    },
    "POST was signed and GET sent": lambda given: (
        b64encode(signature(to_sign(canonical(given), "POST"))),
        to_sign(canonical(given), "POST"),
    ),
    "encoded once": lambda given: (b64encode(signature(f"GET&%2F&{canonical(given)}")), f"GET&%2F&{canonical(given)}"),
    "all hex digits are small": lambda given: (
        b64encode(signature(small(to_sign(canonical(given))))),
        small(to_sign(canonical(given))),
    ),
}
# Every kind of character that a mistake needs to show.
ODD = {"zeta": "a b*c~d/e", "Zeta": "", "AliasName": "中+"}


@pytest.mark.parametrize("words", MISTAKES)
def test_a_usual_mistake_is_told_with_what_was_signed(mirror: Any, words: str) -> None:
    given = pairs(mirror, **ODD)
    wrong, text = MISTAKES[words](given)
    while words == "came as a space" and " " not in str(wrong):
        given = pairs(mirror, **ODD)
        wrong, text = MISTAKES[words](given)
    status, told = ask(mirror, given, wrong)
    assert (status, told["Code"], mirror.verdict.refusal) == (400, "SignatureDoesNotMatch", "bad signature")
    assert words in mirror.verdict.message
    assert (mirror.verdict.expected, mirror.verdict.received) == (to_sign(canonical(given)), text)
    assert words in told["Message"]
    assert told["Message"].endswith(f"server string to sign is:{to_sign(canonical(given))}")


def test_a_form_that_was_not_signed_is_told(mirror: Any) -> None:
    given = pairs(mirror)
    given["Signature"] = b64encode(signature(to_sign(canonical(given), "POST"))).decode()
    form = {"body": b"Extra=1", "content_type": "application/x-www-form-urlencoded"}
    assert mirror.call("POST", f"/?{encoded_query(given.items())}", **form).code == "SignatureDoesNotMatch"
    assert mirror.verdict.message == "parameters of the form were left out"


def test_a_wrong_secret_is_told_by_the_servers_own_text_alone(mirror: Any) -> None:
    given = pairs(mirror)
    text = to_sign(canonical(given))
    _, told = ask(mirror, given, b64encode(signature(text, "another&")))
    assert told["Message"] == f"{WORDS} server string to sign is:{text}"
    assert (mirror.verdict.message, mirror.verdict.received) == ("", "")


# --- in the header ----------------------------------------------------------------------------------------------------


def acs3_text(request: Request, query: str, *, method: str = "GET", payload: str | None = None) -> str:
    headers = {name.lower(): value for name, value in request.headers}
    names = re.search("SignedHeaders=([^,]*)", headers["authorization"])
    assert names
    lines = "".join(f"{name}:{headers[name]}\n" for name in names[1].split(";"))
    return (
        f"{method}\n/\n{query}\n{lines}\n{names[1]}\n{headers['x-acs-content-sha256'] if payload is None else payload}"
    )


def hashed(text: str) -> str:
    return f"ACS3-HMAC-SHA256\n{hashlib.sha256(text.encode()).hexdigest()}"


ACS3_QUERY = (("ProductKey", "a b*c~d/e"), ("AliasName", "中"))
GOOD = canonical(dict(ACS3_QUERY))
ACS3_MISTAKES: dict[str, Callable[[Request], tuple[str, str]]] = {
    "with & behind it": lambda request: (acs3_text(request, GOOD), f"{SECRET}&"),
    "spaces were signed as +": lambda request: (acs3_text(request, plain(dict(ACS3_QUERY), quote_plus)), SECRET),
    "parameters were not sorted": lambda request: (acs3_text(request, encoded_query(ACS3_QUERY)), SECRET),
    "as they are": lambda request: (acs3_text(request, plain(dict(ACS3_QUERY), str)), SECRET),
    "small hex digits": lambda request: (acs3_text(request, small(GOOD)), SECRET),
    "the query was left out": lambda request: (acs3_text(request, ""), SECRET),
    "POST was signed and GET sent": lambda request: (acs3_text(request, GOOD, method="POST"), SECRET),
    "digest was left out": lambda request: (acs3_text(request, GOOD, payload=""), SECRET),
    "the empty line": lambda request: (acs3_text(request, GOOD).replace("\n\n", "\n"), SECRET),
    "the path / is missing": lambda request: (acs3_text(request, GOOD).replace("\n/\n", "\n\n", 1), SECRET),
}


@pytest.mark.parametrize("words", ACS3_MISTAKES)
def test_a_usual_mistake_in_the_header_is_told_with_what_was_signed(make_mirror: Any, words: str) -> None:
    mirror = make_mirror("aliyun")
    request = acs3(mirror, ACS3_QUERY)
    text, key = ACS3_MISTAKES[words](request)
    wrong = signature(hashed(text), key, "sha256").hex()
    assert tell(mirror, request, wrong) == text
    assert words in mirror.verdict.message


@pytest.mark.parametrize("words", ["Base64", "in capitals", "the canonical request was signed"])
def test_a_signature_in_the_header_that_is_written_otherwise_is_told(make_mirror: Any, words: str) -> None:
    mirror = make_mirror("aliyun")
    request = acs3(mirror, ACS3_QUERY)
    text = acs3_text(request, GOOD)
    right = signature(hashed(text), SECRET, "sha256")
    wrong = {"Base64": b64encode(right).decode(), "in capitals": right.hex().upper()}
    assert tell(mirror, request, wrong.get(words, signature(text, SECRET, "sha256").hex())) == text
    assert words in mirror.verdict.message


def tell(mirror: Any, request: Request, wrong: str) -> str:
    """What the client seems to have signed, if it sends that signature."""
    headers = lowered(request)
    headers["authorization"] = re.sub("Signature=.*", f"Signature={wrong}", headers["authorization"])
    answer = mirror.call("GET", f"/?{encoded_query(ACS3_QUERY)}", **headers)
    text = acs3_text(request, GOOD)
    assert mirror.verdict.expected == text
    assert json.loads(answer.body)["Message"].endswith(f"server string to sign is:{hashed(text)}")
    return str(mirror.verdict.received)
