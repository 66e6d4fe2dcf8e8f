"""A SAML identity provider for tests: pysaml2 behind a small HTTP server. Runs as a program of its own.

`POST /sp` takes the service provider's metadata, `POST /choose` who is signed in and what is wrong with the answers,
`GET /sso` answers a request with the form to post on: a page for browsers, else its fields as JSON.
"""

import base64
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.authn_context import PASSWORD
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.saml import NAMEID_FORMAT_EMAILADDRESS, NAMEID_FORMAT_PERSISTENT, NAMEID_FORMAT_TRANSIENT, NameID
from saml2.server import Server
from typing_extensions import override

# What a browser gets.
_PAGE = """<!doctype html><title>Example SAML</title><form method="post" action="{action}">
<input type="hidden" name="SAMLResponse" value="{SAMLResponse}"><input type="hidden" name="RelayState" value="">
<button>Continue</button></form>"""

FORMATS = {
    "persistent": NAMEID_FORMAT_PERSISTENT,
    "transient": NAMEID_FORMAT_TRANSIENT,
    "email": NAMEID_FORMAT_EMAILADDRESS,
}


class Provider:
    def __init__(self, port: int, folder: Path, xmlsec: str) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.folder = folder
        self.xmlsec = xmlsec
        self.choices: dict[str, Any] = {}
        self.sp_metadata: list[str] = []

    def configuration(self, minutes: int = 5) -> IdPConfig:
        return IdPConfig().load(
            {
                "entityid": f"{self.address}/metadata",
                "xmlsec_binary": self.xmlsec,
                "key_file": str(self.folder / "idp.key"),
                "cert_file": str(self.folder / "idp.pem"),
                "metadata": {"inline": self.sp_metadata},
                "service": {
                    "idp": {
                        "endpoints": {"single_sign_on_service": [(f"{self.address}/sso", BINDING_HTTP_REDIRECT)]},
                        "want_authn_requests_signed": self.choices.get("want_signed", False),
                        "policy": {
                            "default": {
                                "lifetime": {"minutes": minutes},
                                "attribute_restrictions": None,
                                "name_form": "urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified",
                            }
                        },
                    }
                },
            }
        )

    def answer(self, query: dict[str, list[str]]) -> dict[str, str]:
        choices = self.choices
        server = Server(config=self.configuration(choices.get("minutes", 5)))
        request = server.parse_authn_request(query["SAMLRequest"][0], BINDING_HTTP_REDIRECT)
        where = server.response_args(request.message, [BINDING_HTTP_POST])
        arguments = {
            "identity": choices["attributes"],
            "in_response_to": choices.get("in_response_to", where["in_response_to"]) or None,
            "destination": where["destination"],
            "sp_entity_id": choices.get("audience", where["sp_entity_id"]),
            "name_id": NameID(format=FORMATS[choices.get("format", "persistent")], text=choices["name_id"]),
            "authn": {"class_ref": PASSWORD, "authn_auth": self.address},
            "sign_assertion": choices.get("sign_assertion", True),
            "sign_response": choices.get("sign_response", False),
            "sign_alg": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
            "digest_alg": "http://www.w3.org/2001/04/xmlenc#sha256",
        }
        response = server.create_authn_response(**arguments)
        return {
            "action": where["destination"],
            "SAMLResponse": base64.b64encode(str(response).encode()).decode(),
            "RelayState": query.get("RelayState", [""])[0],
        }


class Handler(BaseHTTPRequestHandler):
    provider: Provider

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/metadata":
            return self.reply(str(entity_descriptor(self.provider.configuration())), "application/xml")
        answer = self.provider.answer(parse_qs(parts.query, keep_blank_values=True))
        if "text/html" in self.headers.get("Accept", ""):
            return self.reply(_PAGE.format(**answer), "text/html")
        return self.reply(json.dumps(answer), "application/json")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/sp":
            self.provider.sp_metadata = [body.decode()]
        else:
            self.provider.choices = json.loads(body)
        self.reply("", "text/plain")

    def reply(self, text: str, kind: str) -> None:
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    Handler.provider = Provider(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
