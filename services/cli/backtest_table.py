"""`groundswell backtest --table`: makes the table of rarity from counts whose surges are known."""

import json
from collections.abc import Sequence
from pathlib import Path

from schemas.space_config import MODEL
from services.cli.errors import WRONG_USE, CliError
from services.runtime.clock import Clock, SystemClock, from_ms


def make_table(counts: Sequence[Path], truth: Sequence[Path], out: Path, clock: Clock | None = None) -> str:
    """Writes the table with its provenance; returns a sentence.

    Raises:
        CliError: status 2, a folder that is none, no truth for one, or too few quiet series.
    """
    from services.detector.backtest.calibration import TooFewEpisodes, fit, quiet_series
    from services.detector.backtest.counts_folder import BadCounts
    from services.detector.backtest.truth import BadTruth
    from services.detector.domain.rarity import FROM_NATS

    if len(counts) != len(truth) or not counts:
        raise CliError("--table needs a --truth for each --counts, in the same order", WRONG_USE)
    try:
        table = fit([quiet_series(*pair) for pair in zip(counts, truth, strict=True)])
    except (BadCounts, BadTruth, TooFewEpisodes) as error:
        raise CliError(str(error), WRONG_USE) from None
    body = {
        "log_alarms": round(table.log_alarms, 4),
        "per_log_rate": round(table.per_log_rate, 4),
        "slope": round(table.slope, 4),
        "made": {
            "by": "groundswell backtest --table",
            "on": from_ms((clock or SystemClock()).now_ms()).date().isoformat(),
            "model": MODEL,
            "scores": "open bucket, every 5 minutes",
            "from_nats": FROM_NATS,
            "folders": [folder.name for folder in counts],
            "episodes": table.episodes,
            "series_weeks": round(table.series_weeks, 1),
        },
    }
    out.write_text(json.dumps(body, indent=2) + "\n", encoding="utf-8")
    return f"{out.name}: {table.episodes} episodes in {table.series_weeks:.0f} series-weeks, slope {table.slope:.3f}"
