"""`/v1/login`: a key once, then a cookie that scripts cannot read."""

from fastapi import APIRouter, Request, Response

from services.api.feed import zulu
from services.api.guard import COOKIE, SESSION_MS
from services.api.model import LoggedIn, Login
from services.api.services import Services


def login_routes(services: Services) -> APIRouter:
    """The routes, closed over the parts they use."""
    router = APIRouter(tags=["login"])
    guard = services.guard

    @router.post("/v1/login", summary="Log in on the page with a key; the answer sets an HttpOnly cookie")
    def post_login(body: Login, request: Request, response: Response) -> LoggedIn:
        guard.check_origin(request, strict=False)
        session = guard.log_in(body.key)
        response.set_cookie(
            COOKIE,
            session.token,
            max_age=SESSION_MS // 1000,
            path="/",
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )
        who = session.identity
        return LoggedIn.model_validate(
            {
                "name": who.name,
                "role": who.role,
                "home_area": who.home_area,
                "expires_at": zulu(session.expires_at),
            }
        )

    @router.delete("/v1/login", status_code=204, summary="Log out")
    def delete_login(request: Request, response: Response) -> None:
        guard.log_out(request)
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")

    return router
