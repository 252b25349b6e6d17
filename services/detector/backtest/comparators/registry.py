"""All comparators by name: a new one is a file and a line here."""

from services.detector.backtest.comparators.comparator import Comparator
from services.detector.backtest.comparators.ears import ears_c1, ears_c2, ears_c3
from services.detector.backtest.comparators.farrington import farrington, farrington_weekly
from services.detector.backtest.comparators.river_forecast import river_holtwinters, river_snarimax
from services.detector.backtest.comparators.river_gaussian import river_gaussian
from services.detector.backtest.comparators.river_trees import river_halfspacetrees
from services.detector.backtest.comparators.seasonal_z import daily_z, gaussian_cusum

COMPARATORS = {
    one.name: one
    for one in (
        Comparator("ears-c1", "EARS C1 by the day; z", ears_c1, 1.0),
        Comparator("ears-c2", "EARS C2 by the day; z", ears_c2, 1.0),
        Comparator("ears-c3", "EARS C3 by the day; sum of z over 1", ears_c3, 1.0),
        Comparator("daily-z", "a day against the same weekday of eight weeks; z", daily_z, 1.0),
        Comparator("gaussian-cusum", "CUSUM of hourly z against the same hour of eight weeks", gaussian_cusum, 1.0),
        Comparator("farrington", "Farrington-Noufaily by the day, season = weekday; -ln p", farrington, 2.0),
        Comparator("farrington-weekly", "Farrington-Noufaily by the week, from year 6; -ln p", farrington_weekly, 2.0),
        Comparator("river-gaussian", "River GaussianScorer by the hour; z", river_gaussian, 1.0),
        Comparator("river-holtwinters", "River's forecast by HoltWinters; error²/threshold", river_holtwinters, 0.2),
        Comparator("river-snarimax", "River's forecast by SNARIMAX; error²/threshold", river_snarimax, 0.2),
        Comparator("river-halfspacetrees", "River HalfSpaceTrees by the hour; 0 to 1", river_halfspacetrees, 0.5),
    )
}


class UnknownDetector(ValueError):
    """A name that no detector has."""


def comparator(name: str) -> Comparator:
    """The comparator of a name.

    Raises:
        UnknownDetector: there is none; the message lists those that there are.
    """
    try:
        return COMPARATORS[name]
    except KeyError:
        raise UnknownDetector(f"there is no detector {name}; there are groundswell, {', '.join(COMPARATORS)}") from None
