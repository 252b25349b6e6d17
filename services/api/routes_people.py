"""`/v1/me`, `/v1/people`, `/v1/login`: who is asking, and who else is there."""

from fastapi import APIRouter, Depends, Request, Response

from services.api.guard import COOKIE, SESSION_MS
from services.api.model import LoggedIn, Login, Me, People
from services.api.people import actors
from services.api.problems import Problem
from services.api.rules import capabilities
from services.api.services import Services
from services.api.times import zulu, zulu_or_none
from services.runtime.access import Identity


def people_routes(services: Services) -> APIRouter:
    """The routes, closed over the parts they use."""
    router = APIRouter(tags=["people"])
    guard, tiles = services.guard, services.tiles

    @router.get("/v1/me", summary="Who I am, what I may see and do")
    def get_me(who: Identity = Depends(guard.person)) -> Me:
        return Me.model_validate(
            {
                "name": who.name,
                "role": who.role,
                "home_area": who.home_area,
                "needs": who.needs,
                "sources": who.sources,
                "expires_at": zulu_or_none(who.expires_at),
                "can": capabilities(who.role),
                "map_tiles": None if tiles is None else {"url": tiles.url, "credit": tiles.credit},
            }
        )

    @router.get("/v1/people", summary="Who can act on alerts that I see: to whom one can be assigned")
    def get_people(who: Identity = Depends(guard.person)) -> People:
        return People.model_validate({"items": [{"name": one.name, "role": one.role} for one in actors(services, who)]})

    @router.post("/v1/login", summary="Log in on the page with a key; the answer sets an HttpOnly cookie")
    def post_login(body: Login, request: Request, response: Response) -> LoggedIn:
        guard.check_origin(request, strict=False)
        try:
            session = guard.log_in(body.key)
        except Problem:
            guard.count_failed_login(request)
            raise
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
