"""The page and the headers that every answer carries."""

from importlib import resources
from importlib.resources.abc import Traversable
from mimetypes import guess_type

from fastapi import APIRouter, Response
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api.problems import not_found, problem_response

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'self'; "
    "media-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "object-src 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
FOREVER = "public, max-age=31536000, immutable"
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".woff2": "font/woff2"}


class SecurityHeaders:
    """ASGI middleware: adds the headers, and `no-store` where an answer says nothing of caching."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
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
    def page() -> Response:
        index = folder.joinpath("index.html")
        if not index.is_file():
            return problem_response(
                503,
                "the page is not built in this installation: run `python hatch_web.py build`, "
                "or install the released package",
            )
        return Response(
            index.read_bytes(), media_type="text/html; charset=utf-8", headers={"Cache-Control": "no-cache"}
        )

    @router.get("/assets/{name}")
    def asset(name: str) -> Response:
        return _file(folder.joinpath("assets"), name, FOREVER)

    @router.get("/{name}")
    def file(name: str) -> Response:
        return _file(folder, name, "no-cache")

    return router


def _file(folder: Traversable, name: str, caching: str) -> Response:
    found = {one.name: one for one in folder.iterdir() if one.is_file()} if folder.is_dir() else {}
    if name not in found:
        raise not_found("file")
    suffix = "." + name.rpartition(".")[2]
    kind = TYPES.get(suffix) or guess_type(name)[0] or "application/octet-stream"
    return Response(found[name].read_bytes(), media_type=kind, headers={"Cache-Control": caching})
