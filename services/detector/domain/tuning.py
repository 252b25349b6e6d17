"""Constants of the model."""

from dataclasses import dataclass

from services.detector.domain.calendar import WEEK_HOURS


@dataclass(frozen=True)
class Tuning:
    """Constants of the model; part of the model's version."""

    prior_calls: float = 1.0
    """Calls that the rate of need and area is worth against a node's own: rates scatter about it by a factor of two."""
    guess_calls: float = 0.2
    guess_rate: float = 0.05
    """What stands in for it while neither need nor area say anything."""
    level_drift: float = 1.5e-5
    """Variance of the level's random walk per hour, relative."""
    least_rate: float = 0.005
    """Calls an hour below which no history can claim a node to be."""
    kappa: float = 0.08
    kappa_weight: float = 50.0
    kappa_most: float = 3.0
    clump_calls: float = 10.0
    """Calls that the pool's clumping is worth against a node's own."""
    clump_doubt_sd: float = 1.0
    """Of chance, which makes n calls that come singly look clumped by 1 / sqrt(n); what is left counts."""
    clump_most: float = 20.0
    clump_reach: float = 5.0
    """A clump counts up to this many calls above the mean."""
    memory_hours: float = 8.0 * WEEK_HOURS
    vif_days: float = 7.0
    vif_most: float = 12.0
    vif_part: float = 0.5
    """How much of the variance inflation tempers the evidence; the whole costs detections, none of it false alarms."""
    winsor_sd: float = 4.0
    winsor_calls: float = 2.0
    """So many calls count in full even where hardly any are usual; else rare calls teach a tenth of themselves."""
    hour_most: float = 12.0
    """Nats that one hour can bring: a street of reports typed in at once is one cause, not a rise that goes on."""
    cap_nats: float = 40.0
    certain_nats: float = 10.0
    certain_hours: float = 3.0
    """What lies above so many nats halves in so many hours: else a big surge lingers for days in a rare series."""
    careful_after_hours: int = 2 * WEEK_HOURS
    """Anomaly-aware learning and alerts begin after two seasons."""
    accept_after_hours: int = WEEK_HOURS
    """A level that has stayed away this long is the new normal."""
    vanished_nats: float = 25.0
    """A fall is a new normal only when it is beyond doubt: with 3 nats, as for rises, levels wander."""
    keep_while_new: float = 0.97
    """How much of the old level an hour leaves while a new normal is taken in."""
    moved_hours: float = 6.0
    """What a level is worth, in hours, that a person says is the new normal."""


TUNING = Tuning()
