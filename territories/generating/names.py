"""Names for streets: words that stand on the signs of hundreds of French communes, none of one commune's own."""

import math
from collections.abc import Sequence
from random import Random

from territories.generating.streets import Pole, Street, middle, streets_of

LEAST_POLES = 3  # a shorter stub has the name of the street it leaves

VILLAGE = 3000  # inhabitants: up to so many, the main street has one name from end to end
MAIN = ("Grande Rue", "Rue de la République", "Rue Principale")
MIDDLE = """de l'Église|de la Mairie|des Écoles|de la Poste|du Marché|du Presbytère|de la Halle|des Tanneurs|du Four
    |de la Fontaine|du Lavoir|des Remparts|du Puits|de l'Hospice|du Pressoir|du Vieux Pont|de la Cure|du Couvent
    |du Chapitre|de l'Ancienne Poste|des Potiers|du Tribunal|de la Paix|de l'Abattoir|des Halles|de l'Horloge
    |Victor Hugo|Jules Ferry|Pasteur|Jean Jaurès|Gambetta|Carnot|Jeanne d'Arc|Jean Moulin|du Général Leclerc|Thiers
    |Émile Zola|Lamartine|Voltaire|Molière|Marie Curie|La Fayette"""
TOWN = """de la Gare|du Moulin|du Pont|de la Scierie|de la Filature|de la Tuilerie|du Stade|de la Caserne|du Cimetière
    |des Jardins|de la Cité|des Tisserands|du Canal|de la Chapelle|du Calvaire|du Château|de la Forge|des Carrières
    |du Faubourg|de la Brasserie|du Gymnase|de la Piscine|du Collège|des Ouvriers|de la Fonderie|du Viaduc|du 8 Mai 1945
    |du 11 Novembre|Saint-Nicolas|Saint-Martin|Sainte-Barbe|Notre-Dame|Jean Mermoz|Saint-Exupéry|Louis Braille
    |Jacques Prévert|Georges Brassens|Simone Veil|Henri Dunant|Camille Pissarro|Hector Berlioz|Maurice Ravel"""
EDGE = """des Tilleuls|des Sapins|des Bouleaux|des Érables|des Acacias|des Marronniers|des Peupliers|des Cerisiers
    |des Noisetiers|des Mésanges|des Hirondelles|des Alouettes|des Primevères|des Jonquilles|des Genêts|des Bruyères
    |des Myrtilles|des Églantines|du Pré|des Grands Prés|des Champs|des Vergers|de la Forêt|du Bois|du Coteau
    |de la Côte|du Haut|des Hauts|de la Source|de l'Étang|du Ruisseau|de la Prairie|des Vignes|du Chêne|du Gros Chêne
    |de la Croix|de la Grange|de la Ferme|du Vallon|de la Roche|du Belvédère|du Lac"""
LANES = ("Rue", "Rue", "Rue", "Allée", "Chemin")
DEAD_END_POLES = 6  # a lane with fewer, from which no other leads on, may be an Impasse
PLACES = (
    "Place du Marché",
    "Parking de la Salle des Fêtes",
    "Parking des Écoles",
    "Parking du Stade",
    "Parking du Cimetière",
    "Parking de la Gare",
)


def name(poles: Sequence[Pole], inhabitants: int, rng: Random) -> None:
    """Give each street of a town a name that no other has."""
    streets = streets_of(poles)
    reach_m = max(pole.from_middle_m for pole in poles)
    signs = _Signs(rng)
    mains = list(MAIN if inhabitants > VILLAGE else MAIN[2:])
    for street in streets:
        if street.rank == 0 and (street.parent is None or inhabitants > VILLAGE):
            street.name = mains.pop(0)
        elif street.rank > 0 and len(street.poles) >= LEAST_POLES:
            outwards = math.hypot(*middle(street.poles)) / reach_m
            kind = _kind(street, rng, "Rue" if inhabitants <= VILLAGE else "Avenue")
            street.name = signs.take(kind, zone=0 if outwards < 0.3 else 1 if outwards < 0.65 else 2)
    for street in streets:
        named = street
        while not named.name and named.parent is not None:
            named = named.parent
        street.name = named.name


def _kind(street: Street, rng: Random, wide: str) -> str:
    """The kind of way; `wide`: what a wide one is called."""
    if street.rank == 2 and not street.branches and len(street.poles) < DEAD_END_POLES and rng.random() < 0.4:
        return "Impasse"
    return rng.choice(("Rue", "Rue", "Rue", wide) if street.rank == 1 else LANES)


class _Signs:
    """The words still free in one town, by zone: middle, town, edge."""

    def __init__(self, rng: Random) -> None:
        self._free = [[words.strip() for words in zone.split("|")] for zone in (MIDDLE, TOWN, EDGE)]
        for zone in self._free:
            rng.shuffle(zone)
        self._given: list[tuple[str, str]] = []

    def take(self, kind: str, *, zone: int) -> str:
        """Words of the zone, else of another; when all are taken, the first ones again with another kind of way."""
        for free in (self._free[zone], *self._free):
            if free:
                words = free.pop()
                sign = ("Rue" if kind == "Chemin" and words[0].isupper() else kind, words)
                break
        else:
            kind = "Rue" if kind == "Avenue" else kind
            sign = next((kind, words) for _, words in self._given if (kind, words) not in self._given)
        self._given.append(sign)
        return " ".join(sign)
