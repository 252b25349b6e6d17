"""The needs: a made-up tree in the pattern of 211 codes, on letters that the real list leaves free, and of 311."""

# ruff: noqa: RUF001

from dataclasses import dataclass
from typing import Literal

from schemas.reference import Need

Daily = Literal["office", "day", "evening", "always"]


@dataclass(frozen=True)
class Kind:
    """One leaf need and how often it is asked for."""

    need: Need
    per_week: float
    """Calls a week in the whole region when nothing happens."""
    daily: Daily

    @property
    def line(self) -> str:
        """211 or 311."""
        return self.need.line


VOLUME = 0.7
"""Scales the calls a week below."""

_BRANCHES = """
A|Food and meals|Alimentation et repas|Alimentos y comidas
AA|Food parcels and meals|Colis et repas|Paquetes y comidas|A
C|Home and shelter|Logement et abri|Vivienda y refugio
CA|Rooms and rent|Chambres et loyer|Cuartos y alquiler|C
E|Energy and water|Énergie et eau|Energía y agua
EA|Bills and cut-offs|Factures et coupures|Facturas y cortes|E
G|Weather and emergencies|Météo et urgences|Clima y emergencias
GA|Heat and cold|Chaleur et froid|Calor y frío|G
GC|Storm and flood|Tempête et inondation|Tormenta e inundación|G
I|Health|Santé|Salud
IA|Care and medicine|Soins et médicaments|Atención y medicinas|I
K|Someone to talk to|Parler à quelqu’un|Alguien con quien hablar
KA|Listening and support|Écoute et soutien|Escucha y apoyo|K
M|Money and work|Argent et travail|Dinero y trabajo
MA|Income and jobs|Revenus et emploi|Ingresos y empleo|M
O|Getting around|Se déplacer|Transporte
OA|Rides|Trajets|Traslados|O
Q|Families|Familles|Familias
QA|Children and safety|Enfants et sécurité|Niños y seguridad|Q
S|City services|Services municipaux|Servicios municipales
SA|Streets and lights|Rues et éclairage|Calles y alumbrado|S
SC|Water and trees|Eau et arbres|Agua y árboles|S
SE|Waste and noise|Déchets et bruit|Basura y ruido|S
"""

_LEAVES = """
AA-1000|Food parcels|Colis alimentaires|Paquetes de alimentos|AA|3100|day
AA-1000.2000|Baby food and formula|Aliments pour bébés|Alimentos para bebés|AA-1000|620|day
AA-2000|Hot meals|Repas chauds|Comidas calientes|AA|1300|day
AA-3000|Meals brought home|Repas à domicile|Comidas a domicilio|AA|900|office
CA-1000|Shelter for tonight|Abri pour la nuit|Refugio para esta noche|CA|2400|evening
CA-2000|Help with rent|Aide au loyer|Ayuda con el alquiler|CA|4200|office
CA-3000|Eviction advice|Conseil en cas d’expulsion|Asesoría de desalojo|CA|1500|office
CA-4000|Home repair|Réparation du logement|Reparación de vivienda|CA|700|office
EA-1000|Electricity bills|Factures d’électricité|Facturas de electricidad|EA|2900|office
EA-2000|Heating bills|Factures de chauffage|Facturas de calefacción|EA|900|office
EA-3000|Water bills|Factures d’eau|Facturas de agua|EA|800|office
EA-4000|Power is off|Panne de courant|Sin electricidad|EA|700|always
GA-1000|Cool rooms|Salles rafraîchies|Salas frescas|GA|160|day
GA-1000.1000|Fans and coolers|Ventilateurs et climatiseurs|Ventiladores y aires|GA-1000|240|day
GA-2000|Warm rooms|Salles chauffées|Salas con calefacción|GA|160|evening
GA-3000|Drinking water points|Points d’eau potable|Puntos de agua potable|GA|130|day
GC-1000|Way out and transport|Évacuation et transport|Evacuación y transporte|GC|60|always
GC-2000|Storm damage|Dégâts de tempête|Daños por tormenta|GC|110|day
GC-3000|Flooded home|Logement inondé|Vivienda inundada|GC|90|always
IA-1000|Find a doctor|Trouver un médecin|Encontrar un médico|IA|1700|office
IA-2000|Medicine|Médicaments|Medicinas|IA|1000|day
IA-3000|Feeling ill in the heat|Malaise dû à la chaleur|Malestar por el calor|IA|60|day
IA-4000|Health insurance|Assurance maladie|Seguro médico|IA|1600|office
KA-1000|Listening line|Ligne d’écoute|Línea de escucha|KA|2300|evening
KA-2000|Help with addiction|Aide aux dépendances|Ayuda con adicciones|KA|900|evening
MA-1000|Find a job|Trouver un emploi|Encontrar empleo|MA|1200|office
MA-2000|Benefits|Prestations|Prestaciones|MA|2600|office
MA-3000|Tax forms|Déclaration d’impôts|Declaración de impuestos|MA|900|office
OA-1000|Ride to a doctor|Trajet chez le médecin|Traslado al médico|OA|1100|office
OA-2000|Bus passes|Titres de bus|Pases de autobús|OA|700|office
QA-1000|Child care|Garde d’enfants|Cuidado infantil|QA|1100|office
QA-2000|Unsafe at home|En danger chez soi|En peligro en casa|QA|500|always
311-POTHOLE|Pothole|Nid-de-poule|Bache|SA|2100|day
311-LIGHT|Street light out|Lampadaire en panne|Farola apagada|SA|1600|evening
311-SIGNAL|Traffic signal|Feu de circulation|Semáforo|SA|900|day
311-TREE|Fallen tree|Arbre tombé|Árbol caído|SC|500|day
311-HYDRANT|Open hydrant|Bouche d’incendie ouverte|Hidrante abierto|SC|180|day
311-NOWATER|No water or low pressure|Eau coupée ou faible pression|Sin agua o baja presión|SC|300|always
311-PICKUP|Missed collection|Collecte manquée|Recogida no realizada|SE|2800|day
311-NOISE|Noise|Bruit|Ruido|SE|2500|evening
"""

_SENSITIVE = ("KA-2000", "QA-2000")
_LIFELINES = {"EA-1000": "energy", "EA-4000": "energy", "EA-3000": "water", "311-NOWATER": "water", "AA-1000": "food"}
_EVENTS = {"GA-1000": "heat", "GA-1000.1000": "heat", "IA-3000": "heat", "GC-2000": "storm", "GC-3000": "flood"}
_MET_CATEGORIES = ("G", "GA", "GC")


def kinds() -> tuple[Kind, ...]:
    """The leaf needs, and inner ones that calls name too."""
    found = []
    for line in _LEAVES.strip().splitlines():
        code, english, french, spanish, parent, per_week, daily = line.split("|")
        need = _need(code, parent, (english, french, spanish), "311" if code.startswith("311-") else "211")
        found.append(Kind(need, VOLUME * float(per_week), daily))  # type: ignore[arg-type]
    return tuple(found)


def need_tree() -> tuple[Need, ...]:
    """All needs, parents first."""
    branches = []
    for line in _BRANCHES.strip().splitlines():
        code, english, french, spanish, *parent = line.split("|")
        branches.append(_need(code, parent[0] if parent else "", (english, french, spanish), ""))
    return (*branches, *(kind.need for kind in kinds()))


def _need(code: str, parent: str, names: tuple[str, str, str], line: str) -> Need:
    return Need(
        code,
        parent,
        *names,
        line=line,
        lifeline=_LIFELINES.get(code),
        category="Met" if code in _MET_CATEGORIES else None,
        sensitive=code in _SENSITIVE,
        cap_event=_EVENTS.get(code),
    )
