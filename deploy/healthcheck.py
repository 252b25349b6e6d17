"""Health of the service in this container: asks /health/ready on the port of whichever service answers.

Exit status 0: ready (or degraded). 1: not ready, or nothing answers; the reason is printed for `docker inspect`.
"""

import http.client
import os
import sys

PORTS = (("INGEST_PORT", 8001), ("API_PORT", 8000), ("DETECTOR_PORT", 8002))
"""Settings that name a port, and their defaults; one container runs one service, so one of them answers."""


def ask(port: int) -> tuple[int, str] | None:
    """Status and body of /health/ready; None when nobody listens."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=3)
    try:
        connection.request("GET", "/health/ready")
        answer = connection.getresponse()
        return answer.status, answer.read(2000).decode(errors="replace")
    except ConnectionRefusedError:
        return None
    except (OSError, http.client.HTTPException) as error:
        return 0, f"port {port}: {error}"
    finally:
        connection.close()


def main(environ: dict[str, str]) -> int:
    """Exit status of the check."""
    for name, default in PORTS:
        answer = ask(int(environ.get(f"GROUNDSWELL_{name}", default)))
        if answer is not None:
            sys.stdout.write(f"{answer[1]}\n")
            return 0 if answer[0] == 200 else 1
    sys.stdout.write("no service answers on its port\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(dict(os.environ)))
