"""A short list of what breaks naive software, by kind; every text was written for this product."""

from dataclasses import dataclass

SQL, HEADER, REDIRECT, PATH, MARKUP, TEMPLATE, FORMULA, TEXT = (
    "sql", "header", "redirect", "path", "markup", "template", "formula", "text",
)  # fmt: skip
KINDS = (SQL, HEADER, REDIRECT, PATH, MARKUP, TEMPLATE, FORMULA, TEXT)
# A header that no answer has unless somebody's line break made it.
FORGED = "X-Forged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    kind: str
    text: str


_TEXTS = {
    SQL: (
        "' OR '1'='1' --",
        "'); DELETE FROM audit_event; --",
        '" UNION SELECT password FROM accounts_user --',
        "%' AND pg_sleep(0)::text LIKE '%",
        "\\' || (SELECT version()) || \\'",
    ),
    HEADER: (
        f"word\r\n{FORGED}: yes",
        f"/\r\nSet-Cookie: forged=yes\r\n{FORGED}: yes\r\n\r\n<html>",
        f"/%0d%0a{FORGED}:%20yes",
        f"word\n{FORGED}: yes\n WARNING forged.logger a line that nobody wrote",
    ),
    REDIRECT: (
        "https://evil.example/",
        "//evil.example/",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example\\",
        "\\/\\/evil.example",
        "https:evil.example",
        "https:/evil.example",
        "https:///evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "h\tttps://evil.example",
        " //evil.example",
        "\x08//evil.example",
        "\u3000//evil.example",
        "/%2f%2fevil.example",
        "/%5cevil.example",
        "%2f%2fevil.example",
        "/.//evil.example",
        "/..//evil.example/..",
        ".//evil.example",
        "/%2e%2e//evil.example",
        "//testserver@evil.example/",
        "https://testserver@evil.example/",
        "https://testserver:pass@evil.example/",
        "https://evil.example\\@testserver/",
        "https://testserver.evil.example/",
        "https://evil.example#@testserver/",
        "//evil.example:80\\@testserver",
        "/\u2044evil.example",
        "\uff0f\uff0fevil.example",
        "//evil\u3002example",
        "//[::1]@evil.example",
        "//[evil.example",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)//testserver",
        "java\tscript:alert(1)",
        "\x01javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:msgbox(1)",
        "ftp://evil.example/",
    ),
    PATH: (
        "../../../../etc/passwd",
        "..\\..\\..\\windows\\win.ini",
        "....//....//etc/passwd",
        "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/proc/self/environ",
        "file.pdf\x00.txt",
    ),
    MARKUP: (
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "' autofocus onfocus=alert(1) x='",
        "</title></textarea></script><svg/onload=alert(1)>",
        "[click](javascript:alert(1)) <a href=//evil.example>here</a>",
    ),
    TEMPLATE: ("{{ 7*7 }}{% load i18n %}{# #}", "${7*7} %(x)s %s {0.__class__}"),
    FORMULA: ('=HYPERLINK("https://evil.example","look")', "@SUM(1+1)*cmd|' /C calc'!A0"),
    TEXT: (
        "\x00",
        "word\x00word",
        "\ud800",
        "\u202egnirts\u2066 turned round\u2069",
        "zero\u200bwidth\u2060\ufeff",
        "\u2028\u2029\x85",
        "\x1b[31mred\x1b[0m\x07",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467Z\u0351\u036b\u0343",
        "\u0130\u0131\u017f\u1e9e\u00df \ufdfa",
        "1e309 NaN null [[1,2],3]",
        "9" * 400,
        "-9223372036854775809",
        "[" * 3000,
        "long " * 4000,
    ),
}
PAYLOADS = [Payload(kind=kind, text=text) for kind, texts in _TEXTS.items() for text in texts]
