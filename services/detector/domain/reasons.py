"""Sentences that say why: what is usual and its parts, when the rise began, what ends it, what cannot be told."""

from collections.abc import Callable, Mapping
from datetime import datetime

from schemas.alert import PartName, Words
from services.detector.domain import words
from services.detector.domain.onset import TAIL

By = Mapping[str, str]

EXPECTED = {
    "en": "Usual since it began: {e}. That is {l} for {h}{times}.",
    "fr": "D\u2019habitude depuis le début : {e}. Soit {l} pendant {h}{times}.",
    "es": "Lo habitual desde el inicio: {e}. A {l} durante {h}{times}.",
}
HARDLY_ANY = {
    "en": "Usual since it began: hardly any calls.",
    "fr": "D\u2019habitude depuis le début : presque aucun appel.",
    "es": "Lo habitual desde el inicio: casi ninguna llamada.",
}
FROM = 0.05
"""Usual calls from which on they are put into numbers."""
RATES: dict[str, tuple[tuple[float, str], ...]] = {
    "en": ((1.0, "{n} an hour"), (24.0, "{n} a day"), (168.0, "{n} a week")),
    "fr": ((1.0, "{n} par heure"), (24.0, "{n} par jour"), (168.0, "{n} par semaine")),
    "es": ((1.0, "{n} por hora"), (24.0, "{n} al día"), (168.0, "{n} por semana")),
}
LEAST_TOLD = 0.1
"""A rate below this is told of a longer time."""
HOURS = {"en": "{n} hours", "fr": "{n} heures", "es": "{n} horas"}
MINUTES = {"en": "{n} minutes", "fr": "{n} minutes", "es": "{n} minutos"}
MANY_MINUTES = 120
LEFT_OUT = 0.02
"""A factor this near to 1 is not put into words."""
TIMES = {
    "hour_of_week": {
        "en": ", times {f} for the hour and the day of the week",
        "fr": ", fois {f} pour l\u2019heure et le jour de la semaine",
        "es": ", por {f} según la hora y el día de la semana",
    },
    "tide": {
        "en": ", times {f} because this need has moved in all areas",
        "fr": ", fois {f} parce que ce besoin a bougé partout",
        "es": ", por {f} porque esta necesidad ha cambiado en todas partes",
    },
    "calendar": {
        "en": ", times {f} for the date",
        "fr": ", fois {f} pour la date",
        "es": ", por {f} según la fecha",
    },
    "exposure": {
        "en": ", times {f} because part of the calls comes later",
        "fr": ", fois {f} parce qu\u2019une partie des appels arrive plus tard",
        "es": ", por {f} porque parte de las llamadas llega más tarde",
    },
    "level_change": {
        "en": ", times {f} because the usual level has moved since",
        "fr": ", fois {f} parce que le niveau habituel a changé depuis",
        "es": ", por {f} porque el nivel habitual ha cambiado desde entonces",
    },
}
BEGAN = {
    "en": "The rise began {t}.",
    "fr": "La hausse a commencé {t}.",
    "es": "El aumento empezó {t}.",
}
BEGAN_LIKELY = {
    "en": "The rise most likely began {t}; {p} sure: {whole}.",
    "fr": "Début le plus probable de la hausse : {t} ; sûr à {p} : {whole}.",
    "es": "Inicio más probable del aumento: {t}; {p} seguro: {whole}.",
}
FEWER = {
    "en": ("fewer than {n} come", "no call comes"),
    "fr": ("moins de {n} arrivent", "aucun appel n\u2019arrive"),
    "es": ("llegan menos de {n}", "no llega ninguna llamada"),
}
FEWER_IN_PARTS = {
    "en": ("the {k} parts that rise get fewer than {n}", "the {k} parts that rise get no call"),
    "fr": ("les {k} parties en hausse reçoivent moins de {n}", "les {k} parties en hausse ne reçoivent aucun appel"),
    "es": ("las {k} partes en aumento reciben menos de {n}", "las {k} partes en aumento no reciben ninguna llamada"),
}
EASES = {
    "en": "It eases when {fewer} in {w} hours, and ends {d} quiet hours later.",
    "fr": "Elle se calme quand {fewer} en {w} heures, et se termine {d} heures calmes plus tard.",
    "es": "Cede cuando {fewer} en {w} horas, y termina {d} horas tranquilas después.",
}
ENDS_ONCE = {
    "en": "It ends as soon as {fewer} in {w} hours.",
    "fr": "Elle se termine dès que {fewer} en {w} heures.",
    "es": "Termina cuando {fewer} en {w} horas.",
}
ENDS_AT = {
    "en": "It ends at {t} if {fewer} between {s} and then.",
    "fr": "Elle se termine à {t} si {fewer} entre {s} et cette heure.",
    "es": "Termina a las {t} si entre las {s} y esa hora {fewer}.",
}
USUAL_DAY = {
    "en": "Usual here: {d} a day.",
    "fr": "D\u2019habitude ici : {d} par jour.",
    "es": "Lo habitual aquí: {d} al día.",
}
UNSEEN = {
    "en": " A rise of fewer than {s} in a day would not be seen.",
    "fr": " Une hausse de moins de {s} en un jour ne se verrait pas.",
    "es": " Un aumento de menos de {s} en un día no se vería.",
}
NOT_NEED = {
    "en": " Calls are not need: who cannot call is not counted.",
    "fr": " Un appel n\u2019est pas un besoin : qui ne peut pas appeler n\u2019est pas compté.",
    "es": " Las llamadas no son la necesidad: quien no puede llamar no se cuenta.",
}


def in_three(write: Callable[[str], str]) -> Words:
    """One text in the three languages."""
    return Words(**{language: write(language) for language in words.LANGUAGES})


def calls(number: float, language: str) -> str:
    """So many calls, with a decimal where there are few.

    >>> calls(1, "en"), calls(2.34, "en"), calls(1.5, "fr"), calls(31.2, "es")
    ('1 call', '2.3 calls', '1,5 appel', '31 llamadas')
    """
    many, one = words.ONE_CALL[language]
    text = words.number(number, language, 0 if number >= 9.5 else 1 if number >= 0.95 else 2)
    singular = text == "1" or (language == "fr" and number < 1.95)
    return f"{text} {one if singular else many}"


def few(number: float, language: str) -> str:
    """A number with two digits that say something, and without decimals from ten on.

    >>> few(31.2, "en"), few(2.34, "en"), few(0.834, "fr"), few(0.0146, "en")
    ('31', '2.3', '0,83', '0.015')
    """
    edges = (9.5, 0.95, 0.095, 0.0095)
    return words.number(number, language, sum(number < edge for edge in edges))


def rate(per_hour: float, language: str) -> str:
    """So many an hour, or where that would be next to nothing a day or a week.

    >>> rate(0.8, "en"), rate(0.05, "fr"), rate(0.002, "es")
    ('0.8 an hour', '1,2 par jour', '0.34 por semana')
    """
    known = [(hours, text) for hours, text in RATES[language] if per_hour * hours >= LEAST_TOLD]
    hours, text = known[0] if known else RATES[language][-1]
    return text.format(n=few(per_hour * hours, language))


def expected(total: float, per_hour: float, hours: float, factors: Mapping[PartName, float], language: str) -> str:
    """Of what the usual number is made; factors of about 1 are left out, and all where hardly any call is usual.

    >>> expected(4.1, 0.8, 2.5, {"calendar": 2.05, "level_change": 1.0}, "en")
    'Usual since it began: 4.1 calls. That is 0.8 an hour for 2.5 hours, times 2.05 for the date.'
    """
    if total < FROM:
        return HARDLY_ANY[language]
    told = {name: factor for name, factor in factors.items() if abs(factor - 1.0) >= LEFT_OUT}
    times = "".join(TIMES[name][language].format(f=factor(told[name], language)) for name in told)
    return EXPECTED[language].format(
        e=calls(total, language), l=rate(per_hour, language), h=lasting(hours, language), times=times
    )


def factor(number: float, language: str) -> str:
    """Two decimals, and more where they would say nothing.

    >>> factor(2.046, "en"), factor(0.0146, "fr")
    ('2.05', '0,015')
    """
    return words.number(number, language, 2) if number >= 0.095 else few(number, language)


def lasting(hours: float, language: str) -> str:
    """How long, in minutes up to two hours.

    >>> lasting(0.084, "en"), lasting(2.5, "fr")
    ('5 minutes', '2,5 heures')
    """
    minutes = round(60 * hours)
    if minutes < MANY_MINUTES:
        return MINUTES[language].format(n=max(minutes, 2))
    return HOURS[language].format(n=words.number(hours, language, 1))


def began(likely: words.Span, whole: words.Span, now: datetime, language: str) -> str:
    """When it began, as surely as that is known.

    Args:
        likely: begin and end of the hour in which it most likely began, in local time.
        whole: the same of all hours in which it may have begun.
        now: local time.
        language: of the text.

    >>> from datetime import timedelta, timezone
    >>> noon = datetime(2026, 7, 26, 12, 0, tzinfo=timezone(timedelta(hours=-5), "CDT"))
    >>> one, two = noon + timedelta(hours=1), noon + timedelta(hours=2)
    >>> began((noon, one), (noon, one), two, "en")
    'The rise began between 12:00 and 13:00 CDT.'
    >>> began((noon, one), (noon, two), two, "en")
    'The rise most likely began between 12:00 and 13:00; 90% sure: between 12:00 and 14:00 CDT.'
    """
    if likely == whole:
        return BEGAN[language].format(t=words.between(whole, now, language))
    return BEGAN_LIKELY[language].format(
        t=words.between(likely, now, language, after=whole),
        whole=words.between(whole, now, language),
        p=words.percent(1.0 - 2.0 * TAIL, language),
    )


def eases(below: int, parts: int, window_hours: int, dwell_hours: float | None, language: str) -> str:
    """What it would take to ease and then to end; without `dwell_hours` it has been easing long enough.

    >>> eases(12, 0, 3, 6.0, "en")
    'It eases when fewer than 12 calls come in 3 hours, and ends 6 quiet hours later.'
    >>> eases(1, 2, 3, None, "en")
    'It ends as soon as the 2 parts that rise get no call in 3 hours.'
    """
    fewer, w = _fewer(below, parts, language), words.number(window_hours, language)
    if dwell_hours is None:
        return ENDS_ONCE[language].format(fewer=fewer, w=w)
    return EASES[language].format(fewer=fewer, w=w, d=words.number(dwell_hours, language))


def ends(below: int, parts: int, span: words.Span, now: datetime, language: str) -> str:
    """When it ends, and what that takes in the hours up to then, some of which may be over.

    >>> from datetime import timedelta, timezone
    >>> five = datetime(2026, 7, 26, 5, 0, tzinfo=timezone(timedelta(hours=-5), "CDT"))
    >>> ends(12, 0, (five - timedelta(hours=3), five), five, "en")
    'It ends at 05:00 CDT if fewer than 12 calls come between 02:00 and then.'
    """
    since, then = span
    known = (since.date(), since.tzname()) == (then.date(), then.tzname())
    return ENDS_AT[language].format(
        t=words.moment(then, now, language),
        fewer=_fewer(below, parts, language),
        s=words.clock(since, language) if known else words.moment(since, now, language),
    )


def _fewer(below: int, parts: int, language: str) -> str:
    """`parts` is how many nodes are counted where that is not the whole of the alert's, 0 where it is."""
    some, none = (FEWER_IN_PARTS if parts else FEWER)[language]
    return (some if below > 1 else none).format(n=calls(below, language), k=parts)


def limits(usual_per_day: float, smallest: int | None, language: str) -> str:
    """What cannot be told from here."""
    unseen = "" if smallest is None else UNSEEN[language].format(s=calls(smallest, language))
    return USUAL_DAY[language].format(d=calls(usual_per_day, language)) + unseen + NOT_NEED[language]
