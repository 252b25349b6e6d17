"""A bound on what a request may send: the API takes keys and short sentences, never data."""

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BYTES = 64 * 1024


class BodyLimit:
    """ASGI middleware: a body that goes on beyond `most` bytes is answered with 413 and not read to its end."""

    def __init__(self, app: ASGIApp, most: int = LARGEST_BYTES) -> None:
        self.app, self.most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; whoever reads too much of it gets an HTTPException."""
        taken = 0

        async def count() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self.most:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return message

        await self.app(scope, count if scope["type"] == "http" else receive, send)
