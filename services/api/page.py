"""The page and the headers that every answer carries."""

import functools
import gzip
from importlib import resources
from importlib.resources.abc import Traversable
from mimetypes import guess_type

from fastapi import APIRouter, Request, Response
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api.problems import not_found, problem_response
from services.api.tiles import Tiles, content_policy

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
COMPRESSIBLE = ("text/", "image/svg", "application/json", "application/manifest", "application/javascript")
LEAST_BYTES = 500
FOREVER = "public, max-age=31536000, immutable"
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".woff2": "font/woff2"}


class SecurityHeaders:
    """ASGI middleware: adds the headers, and `no-store` where an answer says nothing of caching."""

    def __init__(self, app: ASGIApp, tiles: Tiles | None = None) -> None:
        self.app = app
        self._headers = {"Content-Security-Policy": content_policy(tiles), **HEADERS}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
                if scope["scheme"] == "https":
                    headers.setdefault("Strict-Transport-Security", "max-age=31536000")
            await send(message)

        await self.app(scope, receive, add)


def built_page() -> Traversable:
    """The folder into which the page is built, inside the package."""
    return resources.files("services.api").joinpath("web", "dist")


def page_routes(folder: Traversable) -> APIRouter:
    """`/`, and the built files next to it; what is not there is 404, never the page."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    def page(request: Request) -> Response:
        index = folder.joinpath("index.html")
        if not index.is_file():
            return problem_response(
                503,
                "the page is not built in this installation: run `python hatch_web.py build`, "
                "or install the released package",
            )
        return _compressed(request, folder, "index.html", index.read_bytes(), "text/html; charset=utf-8", "no-cache")

    @router.get("/assets/{name}")
    def asset(request: Request, name: str) -> Response:
        return _file(request, folder.joinpath("assets"), name, FOREVER)

    @router.get("/{name}")
    def file(request: Request, name: str) -> Response:
        return _file(request, folder, name, "no-cache")

    return router


def _file(request: Request, folder: Traversable, name: str, caching: str) -> Response:
    found = {one.name: one for one in folder.iterdir() if one.is_file()} if folder.is_dir() else {}
    suffix = "." + name.rpartition(".")[2]
    if name not in found or suffix in (".br", ".gz"):
        raise not_found("file")
    kind = TYPES.get(suffix) or guess_type(name)[0] or "application/octet-stream"
    return _compressed(request, folder, name, found[name].read_bytes(), kind, caching)


def _compressed(request: Request, folder: Traversable, name: str, body: bytes, kind: str, caching: str) -> Response:
    """The file as small as the browser takes it: `NAME.br` beside it where the build made one, else gzip."""
    headers = {"Cache-Control": caching}
    if kind.startswith(COMPRESSIBLE):
        headers["Vary"] = "Accept-Encoding"
        taken = accepted_encodings(request.headers.get("accept-encoding", ""))
        brotli = folder.joinpath(f"{name}.br")
        if "br" in taken and brotli.is_file():
            body, headers["Content-Encoding"] = brotli.read_bytes(), "br"
        elif "gzip" in taken and len(body) >= LEAST_BYTES:
            body, headers["Content-Encoding"] = _gzipped(body), "gzip"
    return Response(body, media_type=kind, headers=headers)


def accepted_encodings(header: str) -> frozenset[str]:
    """What an Accept-Encoding takes; something with `q=0` is not taken.

    >>> sorted(accepted_encodings("gzip, br;q=0, *;q=0.5"))
    ['*', 'gzip']
    """
    parts = (part.partition(";") for part in header.lower().split(","))
    refused = ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return frozenset(name.strip() for name, _, rest in parts if name.strip() and rest.strip() not in refused)


@functools.lru_cache(maxsize=64)
def _gzipped(body: bytes) -> bytes:
    """Once a file: the same bytes give the same answer."""
    return gzip.compress(body, 9, mtime=0)
