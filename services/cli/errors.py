"""What a command says when it cannot go on."""

FAILED = 1
WRONG_USE = 2
UNREACHABLE = 3


class CliError(Exception):
    """One sentence for stderr and the exit status: 1 failed running, 2 wrong use or settings, 3 not reachable."""

    def __init__(self, message: str, status: int = FAILED) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
