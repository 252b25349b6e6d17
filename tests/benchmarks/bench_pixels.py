"""From POST to pixels: how long after a call is sent its alert stands on an open page.

Run by `make bench` (about five minutes for 200 calls; `bench_pixels.py 40` for fewer). Everything is real and on this
machine: `groundswell up --no-demo` (Apache Kafka, ingest, detector, API) and Chromium. The reference data has one area
and one rule of an emergency plan for each call, so that each call alone tips one alert. Pixels: the first frame after
the alert's headline is in the page. The parts: until ingest says 202; until the point of the detector's grid (500 ms)
at which the alert was raised; from there to the pixels.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from playwright.sync_api import Page, sync_playwright

from services.runtime.clock import SystemClock, from_ms

CALLS = 200
WATCH = """
  window.seen = {};
  const look = () => {
    for (const card of document.querySelectorAll('[data-card]')) {
      const name = card.querySelector('h3')?.textContent.match(/Place \\d+$/)?.[0];
      if (!name || window.seen[name]) continue;
      const raised = card.querySelector('time').getAttribute('datetime');
      window.seen[name] = { raised, at: 0 };
      const painted = () => (window.seen[name].at = performance.timeOrigin + performance.now());
      requestAnimationFrame(() => setTimeout(painted));
    }
  };
  new MutationObserver(look).observe(document, { childList: true, subtree: true, characterData: true });
"""


@dataclass(frozen=True)
class Timed:
    """One call, milliseconds since it was sent."""

    accepted: float
    raised: float
    shown: float


def write_reference(folder: Path, calls: int) -> None:
    """One region, one place and one rule for each call."""
    folder.mkdir()
    spots = [(f"29.{number % 90 + 10}", f"-95.{number // 90 + 10}") for number in range(calls)]
    places = [f"p{number},region,Place {number},{y},{x},," for number, (y, x) in enumerate(spots)]
    head = "code,parent,name,latitude,longitude,timezone,population"
    (folder / "areas.csv").write_text("\n".join([head, "region,,Region,29.7,-95.3,America/Chicago,1000000", *places]))
    (folder / "needs.csv").write_text("code,parent,name_en,name_fr,name_es,line\nBH,,Shelter,Abri,Refugio,211\n")
    rules = [f"BH,p{number},1,1,Open the shelter" for number in range(calls)]
    (folder / "triggers.csv").write_text("\n".join(["need,area,count,hours,playbook_en", *rules]))
    (folder / "holidays.csv").write_text("date,area,name\n")


@contextmanager
def everything(calls: int) -> Iterator[dict[str, Any]]:
    """`groundswell up` on this reference data; the line that it prints when ready."""
    with tempfile.TemporaryDirectory(prefix="groundswell-pixels-") as name:
        base = Path(name)
        write_reference(base / "reference", calls)
        kept = {key: value for key, value in os.environ.items() if not key.startswith("GROUNDSWELL_")}
        command = [sys.executable, "-m", "services.cli", "up", "--no-demo", "--json", "--port-base", "0"]
        with (base / "up.log").open("wb") as log:
            up = subprocess.Popen(
                [*command, "--data", str(base / "data")],
                stdout=subprocess.PIPE,
                stderr=log,
                env=kept | {"GROUNDSWELL_REFERENCE": str(base / "reference")},
                start_new_session=True,
            )
            assert up.stdout is not None
            line = up.stdout.readline()
            try:
                if not line:
                    raise SystemExit(f"`up` ended before it was ready: {(base / 'up.log').read_text()}")
                yield json.loads(line)
            finally:
                up.send_signal(signal.SIGTERM)
                up.wait(60)


def post(ingest: httpx.Client, source: str, number: int, clock: SystemClock) -> tuple[float, float]:
    """Send the call of a place; when it was sent and accepted, ms since 1970."""
    sent = clock.now_ms()
    at = from_ms(sent).isoformat().replace("+00:00", "Z")
    call = {"id": f"c{number}", "source": source, "time": at, "line": "211", "needs": ["BH"], "area": f"p{number}"}
    answer = ingest.post("/v1/events", json=call)
    assert answer.json()["accepted"] == 1, answer.text
    return sent, clock.now_ms()


def timed(page: Page, ingest: httpx.Client, source: str, number: int, clock: SystemClock) -> Timed:
    """One call until its alert is painted."""
    sent, accepted = post(ingest, source, number, clock)
    there = f"window.seen['Place {number}']"
    seen = page.wait_for_function(f"() => {there}?.at && {there}", timeout=60_000)
    found = seen.json_value()
    raised = datetime.fromisoformat(found["raised"]).timestamp() * 1000
    return Timed(accepted - sent, raised - sent, found["at"] - sent)


def report(measured: list[Timed]) -> None:
    """Median and 99th percentile of the whole and of its parts."""
    parts = {
        "POST to 202": [one.accepted for one in measured],
        "POST to the grid point that raised it": [one.raised for one in measured],
        "grid point to pixels": [one.shown - one.raised for one in measured],
        "POST to pixels": [one.shown for one in measured],
    }
    for name, values in parts.items():
        middle, late = np.percentile(values, (50, 99))
        print(f"{name:40} median {middle:6.0f} ms   p99 {late:6.0f} ms   worst {max(values):6.0f} ms", flush=True)


def main(calls: int) -> None:
    """Start everything, send the calls one after the other at uneven moments, print."""
    clock, pauses = SystemClock(), np.random.default_rng(1)
    with everything(calls) as up, sync_playwright() as playwright:
        chromium = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(locale="en-US")
        page.add_init_script(WATCH)
        page.goto(f"{up['api']}/#key={up['keys']['coordinator']}")
        page.get_by_test_id("state").get_by_text("Live").wait_for()
        measured: list[Timed] = []
        headers = {"Authorization": f"Bearer {up['keys']['ingest']}"}
        with httpx.Client(base_url=up["ingest"], headers=headers, trust_env=False, timeout=30) as ingest:
            for number in range(calls):
                page.wait_for_timeout(float(pauses.uniform(0, 500)))  # anywhere between two points of the grid
                measured.append(timed(page, ingest, up["ingest_source"], number, clock))
                if number % 50 == 49:
                    print(f"{number + 1} calls", flush=True)
        report(measured)
        browser.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else CALLS)
