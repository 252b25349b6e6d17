"""`/v1/handover`: a shift's summary, as JSON and as Markdown."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from services.api.handover import Shift, summary
from services.api.handover_words import Language, markdown
from services.api.model_handover import Handover
from services.api.problems import Problem
from services.api.services import Services, Time, in_ms
from services.runtime.access import Identity

SHIFT_MS = 8 * 3_600_000
LONGEST_MS = 31 * 86_400_000
Since = Annotated[Time | None, Query(description="Eight hours before the end unless given")]
Until = Annotated[Time | None, Query(description="Now, by the clock of the space, unless given")]


def handover_routes(services: Services) -> APIRouter:
    """The routes, closed over the parts they use."""
    router = APIRouter(tags=["handover"])

    def read(since: Time | None, until: Time | None, who: Identity) -> dict[str, Any]:
        with services.database.reading() as connection:
            view = services.views.read(connection)
            end = view.now + 1 if until is None else in_ms(until)
            start = end - SHIFT_MS if since is None else in_ms(since)
            if not 0 < end - start <= LONGEST_MS:
                raise Problem(422, "a handover speaks of up to 31 days, and ends after it starts")
            return summary(connection, Shift(start, end), services.scope(who), services.book(), view)

    @router.get("/v1/handover", summary="What rose, what was done, what is open")
    def get_handover(
        since: Since = None, until: Until = None, who: Identity = Depends(services.guard.person)
    ) -> Handover:
        return Handover.model_validate(read(since, until, who), extra="ignore")

    @router.get(
        "/v1/handover.md",
        summary="The same as Markdown",
        responses={200: {"content": {"text/markdown": {"schema": {"type": "string"}}}}},
        response_class=Response,
    )
    def get_handover_markdown(
        since: Since = None,
        until: Until = None,
        language: Language = "en",
        who: Identity = Depends(services.guard.person),
    ) -> Response:
        return Response(markdown(read(since, until, who), language), media_type="text/markdown; charset=utf-8")

    return router
