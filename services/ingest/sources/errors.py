"""What can go wrong with an export, from the whole mapping down to one cell."""


class SourceError(ValueError):
    """Root of the errors of this package; messages hold no value of any row."""


class BadMapping(SourceError):
    """A mapping that does not exist or is wrong; the message names file and entry."""


class BadExport(SourceError):
    """An export that cannot be read from here on; what was read before stands."""


class BadRow(SourceError):
    """One row that does not give a call; `field` names what is wrong, `reason` says how, neither holds the value."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason
