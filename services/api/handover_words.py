"""The handover as Markdown, in three languages."""

# ruff: noqa: RUF001 - French wants its own apostrophe

from typing import Any, Literal

Language = Literal["en", "fr", "es"]

_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "title": "Handover",
        "rose": "Rose in this shift",
        "open": "Still open",
        "ended": "Ended",
        "done": "What was done",
        "events": "Declared events",
        "silences": "Silences in force",
        "sources": "Silent feeds",
        "budget": "Budget",
        "nothing": "Nothing.",
        "calls": "{observed} calls, about {expected} usual",
        "nobody": "nobody has it",
        "has": "{by} has it",
        "until": "until {until}: {reason} ({by})",
        "week": "{home}: {raised} raised this week, {per_week} accepted by chance",
    },
    "fr": {
        "title": "Relève",
        "rose": "En hausse pendant ce quart",
        "open": "Toujours ouvertes",
        "ended": "Terminées",
        "done": "Ce qui a été fait",
        "events": "Événements déclarés",
        "silences": "Sourdines en vigueur",
        "sources": "Sources muettes",
        "budget": "Budget",
        "nothing": "Rien.",
        "calls": "{observed} appels, d’habitude environ {expected}",
        "nobody": "personne ne s’en occupe",
        "has": "{by} s’en occupe",
        "until": "jusqu’à {until} : {reason} ({by})",
        "week": "{home} : {raised} levées cette semaine, {per_week} acceptées par hasard",
    },
    "es": {
        "title": "Relevo",
        "rose": "En aumento en este turno",
        "open": "Siguen abiertas",
        "ended": "Terminadas",
        "done": "Lo que se hizo",
        "events": "Eventos declarados",
        "silences": "Silencios en vigor",
        "sources": "Fuentes sin datos",
        "budget": "Presupuesto",
        "nothing": "Nada.",
        "calls": "{observed} llamadas, lo habitual unas {expected}",
        "nobody": "nadie se ocupa",
        "has": "{by} se ocupa",
        "until": "hasta {until}: {reason} ({by})",
        "week": "{home}: {raised} emitidas esta semana, {per_week} aceptadas por azar",
    },
}
_DEEDS: dict[str, dict[str, str]] = {
    "en": {
        "acknowledge": "acknowledged",
        "assign": "assigned to {to}",
        "notes": "noted: {text}",
        "label": "labelled {label}",
        "silence": "silenced: {reason}",
        "end": "ended: {reason}",
        "un": "took back: {type}",
    },
    "fr": {
        "acknowledge": "a accusé réception",
        "assign": "a attribué à {to}",
        "notes": "a noté : {text}",
        "label": "a qualifié : {label}",
        "silence": "a mis en sourdine : {reason}",
        "end": "a clos : {reason}",
        "un": "a défait : {type}",
    },
    "es": {
        "acknowledge": "acusó recibo",
        "assign": "asignó a {to}",
        "notes": "anotó: {text}",
        "label": "clasificó: {label}",
        "silence": "silenció: {reason}",
        "end": "cerró: {reason}",
        "un": "deshizo: {type}",
    },
}


def markdown(found: dict[str, Any], language: Language) -> str:
    """A page for printing, sending or pasting."""
    words = _WORDS[language]
    lines = [f"# {words['title']}: {found['since']} - {found['until']}", ""]
    for part in ("rose", "open", "ended"):
        lines += _section(words[part], [_alert(one, language) for one in found[part]], words)
    lines += _section(words["done"], [_deed(one, language) for one in found["done"]], words)
    lines += _section(
        words["events"], [f"**{_safe(one['name'])}** ({one['hazard']})" for one in found["events"]], words
    )
    silences = [words["until"].format(**{**one, "reason": _safe(one["reason"])}) for one in found["silences"]]
    lines += _section(words["silences"], silences, words)
    lines += _section(words["sources"], [_safe(one) for one in found["sources_silent"]], words)
    budget = [
        words["week"].format(home=one["home_area"], raised=one["raised_week"], per_week=one["per_week"])
        for one in found["budget"]
    ]
    lines += _section(words["budget"], budget, words)
    return "\n".join(lines)


def _section(title: str, items: list[str], words: dict[str, str]) -> list[str]:
    return [f"## {title}", "", *([f"- {one}" for one in items] or [words["nothing"]]), ""]


def _alert(one: dict[str, Any], language: Language) -> str:
    words = _WORDS[language]
    acknowledged = one["acknowledged"]
    who = words["has"].format(by=acknowledged["by"]) if acknowledged else words["nobody"]
    calls = words["calls"].format(observed=one["observed"], expected=round(one["expected"]))
    notes = "".join(f"; „{_safe(note['text'])}“ ({note['by']})" for note in one["notes"])
    return f"**{_safe(one['headline'][language])}** ({one['severity']}, {one['raised_at']}): {calls}; {who}{notes}"


def _deed(one: dict[str, Any], language: Language) -> str:
    words = _DEEDS[language]
    kind = one["type"]
    body = {name: _safe(str(value)) for name, value in one["body"].items()}
    if kind not in words:
        said = words["un"].format(type=kind.removeprefix("un"))
    else:
        said = words[kind].format(**{"to": "", "text": "…", "label": "", "reason": "", **body})
    return f"{one['at']} {one['by']}: {said} - {_safe(one['headline'][language])}"


def _safe(text: str) -> str:
    """One line, with nothing that Markdown would take for its own.

    >>> _safe("a*b\\n<c>")
    'a\\\\*b \\\\<c>'
    """
    line = " ".join(text.split())
    return "".join(f"\\{one}" if one in "\\`*_[]<#|" else one for one in line)
