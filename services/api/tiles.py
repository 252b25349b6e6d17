"""Map tiles of an operator's choice: the only thing that the page may ever fetch from elsewhere."""

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Tiles:
    """Where tiles come from, and whose they are.

    >>> Tiles("https://tiles.example.org:8443/{z}/{x}/{y}.png").origin
    'https://tiles.example.org:8443'
    """

    url: str
    credit: str = ""

    @property
    def origin(self) -> str:
        """What the content policy allows."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"


def content_policy(tiles: Tiles | None) -> str:
    """The page's Content-Security-Policy: nothing from elsewhere but, where an operator says so, images of tiles."""
    images = "'self'" if tiles is None else f"'self' {tiles.origin}"
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src {images}; connect-src 'self'; "
        "font-src 'self'; media-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'; object-src 'none'"
    )
