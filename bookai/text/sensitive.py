"""Texts beside which nothing may be sold: death, crime, war, disaster, sickness, tragedy."""

import re

from bookai.text.words import tokens

# One of these, and nothing is sold beside it.
_GRAVE_TEXT = (
    "murder murdered murderer murders homicide manslaughter massacre genocide terrorism terrorist "
    "terrorists suicide suicides rape raped rapist molested paedophile pedophile kidnapped "
    "kidnapping hostage hostages airstrike airstrikes shelling warfare ceasefire casualties "
    "casualty fatalities fatality famine epidemic pandemic ebola cholera measles overdose funeral "
    "mourning mourners assassinated assassination stabbed stabbing gunman gunmen refugees "
    "earthquake tsunami wildfire wildfires bushfire bushfires cyclone typhoon tornado landslide "
    "victims bereaved obituary lynching trafficking abducted executed holocaust insurgents "
    "militants quarantine stillbirth miscarriage "
    "mord ermordet terroranschlag selbstmord suizid krieg todesopfer erdbeben opfer trauer geisel "
    "meurtre attentat guerre séisme deuil otage victimes décès "
    "asesinato atentado guerra terremoto víctimas luto rehén suicidio "
    "omicidio attentato terremoto vittime lutto ostaggio "
    "assassinato homicídio vítimas sequestro"
)
# Each of these alone may be harmless ("a dying star", "the deadline was killed"); two are not.
_DARK_TEXT = (
    "dead died dies dying death deaths deadly fatal kill killed killing kills killer shot shooting "
    "shootings gun guns bomb bombs bombing bombings attack attacks attacked attacker blast "
    "explosion explosions war wars troops soldiers missile missiles invasion coup crash crashed "
    "crashes collision wreckage disaster disasters catastrophe hurricane flood floods flooding "
    "evacuated evacuation rescue rescuers injured injuries wounded wounds hospitalised "
    "hospitalized outbreak virus cancer tumour tumor disease arrested arrest prison jailed "
    "sentenced abuse abused assault assaulted robbery police crime criminal crimes violence "
    "violent riot riots protesters tragedy tragic grief survivors emergency impeachment sanctions "
    "refugee asylum corruption drowned missing suspect suspects "
    "court courts judge judges lawsuit prosecutors protest protests resignation resigned election "
    "elections trial verdict "
    "tot tote tote getötet gestorben tödlich verletzt anschlag angriff polizei unglück unfall "
    "mort morts tué tués mortel blessé blessés attaque police accident "
    "muerte muerto muertos muertes murió ataque heridos policía accidente "
    "morte morto morti ucciso attacco feriti polizia incidente "
    "mortes mortos morreu ataque feridos polícia acidente"
)
_GRAVE_PHRASES = re.compile(
    r"\b(?:civil war|world war|prisoners? of war|death toll|state of emergency|plane crash|"
    r"mass shooting|sexual(?:ly)? (?:assault\w*|abus\w*|harass\w*)|domestic violence|"
    r"health emergency|war crimes?|child abuse|hate crimes?|life support|found dead|shot dead|"
    r"passed away|d(?:ies|ied),? aged|dies at|died (?:on|at|from|of|after|aged)\b|"
    r"was killed|were killed|people (?:died|dead))"
    r"\b",
    re.IGNORECASE,
)

_GRAVE = frozenset(_GRAVE_TEXT.split())
_DARK = frozenset(_DARK_TEXT.split())


def sensitive_word(text: str) -> str | None:
    """Return why nothing may be sold beside `text`, in its own words; None where it may."""
    if found := _GRAVE_PHRASES.search(text):
        return found[0].lower()
    seen = dict.fromkeys(part for word in tokens(text) for part in (word, *word.split("-")))
    grave = next((word for word in seen if word in _GRAVE), None)
    if grave:
        return grave
    dark = [word for word in seen if word in _DARK]
    return f"{dark[0]}' and '{dark[1]}" if len(dark) > 1 else None
