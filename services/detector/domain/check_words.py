"""What the checks say, in three languages: by check and finding."""

from collections.abc import Mapping
from dataclasses import dataclass

from schemas.alert import Words
from services.detector.domain import words

FOUND: Mapping[str, tuple[str, str, str]] = {
    "one_source.alone": (
        "There is only one source to look at.",
        "Il n\u2019y a qu\u2019une source à regarder.",
        "Solo hay una fuente que mirar.",
    ),
    "one_source.several": (
        "{n} of {m} sources show it.",
        "Visible dans {n} sources sur {m}.",
        "Se ve en {n} de {m} fuentes.",
    ),
    "one_source.as_ever": (
        "Only {source} takes such calls, now as ever.",
        "Seule {source} prend de tels appels, comme toujours.",
        "Solo {source} recibe estas llamadas, como siempre.",
    ),
    "one_source.answers": (
        "Only {source} shows it ({share}), but {other} is silent.",
        "Visible seulement dans {source} ({share}), mais {other} se tait.",
        "Solo se ve en {source} ({share}), pero {other} está en silencio.",
    ),
    "one_source.only": (
        "Only {source} shows it ({share}).",
        "Visible seulement dans {source} ({share}).",
        "Solo se ve en {source} ({share}).",
    ),
    "other_centre.alone": (
        "Only one centre takes such calls.",
        "Un seul centre prend de tels appels.",
        "Solo un centro recibe estas llamadas.",
    ),
    "other_centre.heard": (
        "All centres that take such calls are heard.",
        "Tous les centres qui prennent de tels appels répondent.",
        "Todos los centros que reciben estas llamadas responden.",
    ),
    "other_centre.all_the_same": (
        "{other} is silent and others may answer for it. The need rose all the same.",
        "{other} se tait et d\u2019autres répondent peut-être à sa place. La hausse est là malgré tout.",
        "{other} está en silencio y otros quizá responden por él. El aumento existe de todos modos.",
    ),
    "other_centre.moved": (
        "{other} is silent: these may be its calls, taken by another centre.",
        "{other} se tait : ce sont peut-être ses appels, pris par un autre centre.",
        "{other} está en silencio: quizá son sus llamadas, recibidas en otro centro.",
    ),
    "duplicates.usual": (
        "Repeated records at the usual level.",
        "Doublons au niveau habituel.",
        "Duplicados en el nivel habitual.",
    ),
    "duplicates.many": (
        "{n} records came twice and were counted once. Others may have come again under a new number.",
        "{n} fiches sont venues deux fois et comptées une fois. D\u2019autres sont peut-être revenues sous un nouveau "
        "numéro.",
        "{n} registros llegaron dos veces y se contaron una. Otros quizá volvieron con un número nuevo.",
    ),
    "past.too_long_ago": (
        "It began more than three days ago; this is no longer known.",
        "Le début date de plus de trois jours ; on ne le sait plus.",
        "Empezó hace más de tres días; ya no se sabe.",
    ),
    "late_batch.in_time": (
        "Calls came in as they happened.",
        "Appels reçus au fil de l\u2019eau.",
        "Las llamadas llegaron al momento.",
    ),
    "late_batch.always": (
        "{share} came late, as always from this source.",
        "{share} reçus en retard, comme toujours de cette source.",
        "{share} llegó tarde, como siempre de esta fuente.",
    ),
    "late_batch.batch": (
        "{share} came an hour late or more, the last at {t}.",
        "{share} reçus avec une heure de retard ou plus, le dernier à {t}.",
        "{share} llegó con una hora de retraso o más, la última a las {t}.",
    ),
    "recoded.none": (
        "No sign of a renamed category.",
        "Aucun changement de catégorie visible.",
        "Sin señal de cambio de categoría.",
    ),
    "recoded.too_few": (
        "Too few calls in the categories beside it to tell.",
        "Trop peu d\u2019appels dans les catégories voisines pour le dire.",
        "Muy pocas llamadas en las categorías vecinas para saberlo.",
    ),
    "recoded.fell": (
        "\u201c{other}\u201d fell by {k} at the same time: perhaps renamed.",
        "\u00ab\u00a0{other}\u00a0\u00bb a baissé de {k} au même moment : peut-être recodé.",
        "\u00ab{other}\u00bb bajó {k} a la vez: quizá se recodificó.",
    ),
    "denominator.usual": (
        "Other calls are at their usual level.",
        "Les autres appels sont au niveau habituel.",
        "Las demás llamadas están en su nivel habitual.",
    ),
    "denominator.too_few": (
        "Too few other calls to compare.",
        "Trop peu d\u2019autres appels pour comparer.",
        "Muy pocas otras llamadas para comparar.",
    ),
    "denominator.fell": (
        "Other calls fell {share}: phones or reporting may be disturbed.",
        "Les autres appels ont baissé de {share} : lignes ou collecte peut-être perturbées.",
        "Las demás bajaron {share}: puede fallar la línea o el registro.",
    ),
    "denominator.placed": (
        "Calls without a known place fell by {k} at the same time: perhaps only the place is new.",
        "Les appels sans lieu connu ont baissé de {k} au même moment : seul le lieu est peut-être nouveau.",
        "Las llamadas sin lugar conocido bajaron {k} a la vez: quizá solo el lugar es nuevo.",
    ),
    "denominator.lost_place": (
        "Calls with a known place fell by {k} at the same time: perhaps only the place got lost.",
        "Les appels avec un lieu connu ont baissé de {k} au même moment : le lieu s\u2019est peut-être perdu.",
        "Las llamadas con lugar conocido bajaron {k} a la vez: quizá solo se perdió el lugar.",
    ),
    "calendar.none": (
        "No holiday or known event.",
        "Aucun jour férié ni événement connu.",
        "Sin feriado ni evento conocido.",
    ),
    "calendar.no_list": (
        "No list of holidays is known for this time.",
        "Aucune liste de jours fériés connue pour cette période.",
        "No hay lista de feriados para estas fechas.",
    ),
    "calendar.holiday": (
        "{holiday}: a rise is usual.",
        "{holiday} : une hausse est habituelle.",
        "{holiday}: un aumento es habitual.",
    ),
    "calendar.after": (
        "The day after {holiday}: a rise is usual.",
        "Lendemain de {holiday} : une hausse est habituelle.",
        "El día después de {holiday}: un aumento es habitual.",
    ),
    "calendar.month_turn": (
        "The turn of the month: rent and benefits bring more calls.",
        "Le passage du mois : loyers et prestations amènent plus d\u2019appels.",
        "El cambio de mes: el alquiler y las ayudas traen más llamadas.",
    ),
    "calendar.event": (
        "{event} is declared: a rise is expected.",
        "{event} est déclaré : une hausse est attendue.",
        "{event} está declarado: se espera un aumento.",
    ),
    "other_line.alone": (
        "Only {line} takes such calls.",
        "Seul le {line} prend de tels appels.",
        "Solo el {line} recibe estas llamadas.",
    ),
    "other_line.too_few": (
        "Too few calls on {line} to tell.",
        "Trop peu d\u2019appels au {line} pour le dire.",
        "Muy pocas llamadas al {line} para saberlo.",
    ),
    "other_line.too": (
        "{line} shows it too ({r} times usual).",
        "Le {line} la montre aussi ({r} fois l\u2019habituel).",
        "El {line} también lo muestra ({r} veces lo habitual).",
    ),
    "other_line.not": (
        "{line} does not show it.",
        "Le {line} ne la montre pas.",
        "El {line} no lo muestra.",
    ),
}


@dataclass(frozen=True)
class Share:
    """A part of 1, told in percent."""

    part: float


@dataclass(frozen=True)
class Times:
    """So many times, told with one decimal."""

    factor: float


Value = Words | Share | Times | str | int


def found(key: str, **values: Value) -> Words:
    """A finding in the three languages.

    >>> found("one_source.only", source="crm", share=Share(0.94)).en
    'Only crm shows it (94%).'
    """
    texts = zip(words.LANGUAGES, FOUND[key], strict=True)
    return Words(
        **{
            language: text.format(**{name: _told(value, language) for name, value in values.items()})
            for language, text in texts
        }
    )


def _told(value: Value, language: str) -> str:
    if isinstance(value, Words):
        told: str = getattr(value, language)
        return told
    if isinstance(value, Share):
        return words.percent(value.part, language)
    if isinstance(value, Times):
        return words.number(value.factor, language, 1)
    return value if isinstance(value, str) else words.number(value, language)
