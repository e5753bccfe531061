"""German, French, Spanish, Italian and Portuguese, as their presenters say them."""

import re

from tools.voices.spoken.tongues.numbers import NumberStyle
from tools.voices.spoken.tongues.tables import currencies, listed, table, units
from tools.voices.spoken.tongues.tongue import Place, Tongue

_COMMA = NumberStyle(",")

_GERMAN_CASES = {
    **dict.fromkeys(("am", "im", "vom", "zum", "beim", "dem", "den", "des", "seit", "ab"), "n"),
    **dict.fromkeys(("der", "die", "das"), ""),
}
_GERMAN_MONTHS = listed(
    "Januar Februar März April Mai Juni Juli August September Oktober November Dezember"
)
_GERMAN_ORDINALS = {1: "erste", 3: "dritte", 7: "siebte", 8: "achte"}
_GERMAN_SMALL = listed(
    "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn "
    "vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn"
)
_GERMAN_TENS = listed(
    "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig"
)  # from twenty on


def _german_ordinal(number: int) -> str:
    """Return 1 to 99 as a rank: "dritte", "einundzwanzigste"."""
    if number < 20:
        return _GERMAN_ORDINALS.get(number) or f"{_GERMAN_SMALL[number]}te"
    ones, tens = number % 10, _GERMAN_TENS[number // 10 - 2]
    small = "ein" if ones == 1 else _GERMAN_SMALL[ones]
    return f"{small}und{tens}ste" if ones else f"{tens}ste"


def _german(place: Place) -> str | None:
    """Read "am 3. Mai" as "dritten" and 1998 by its hundreds."""
    rank = re.fullmatch(r"([1-9]\d?)\.", place.core)
    if rank:
        case = _GERMAN_CASES.get(place.before.lower())
        named = place.after.rstrip(",.") in _GERMAN_MONTHS
        if case is not None or named:
            return _german_ordinal(int(rank[1])) + ("r" if case is None else case)
        return None
    date = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)", place.core)
    date = date or re.fullmatch(r"(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?P<y>\d{4})", place.core)
    if date:
        return _german_date(date, place.before)
    if place.core == "Uhr" and ":" in place.before:
        return ""  # the clock has said it
    year = re.fullmatch(r"(1[1-9])(\d\d)", place.core)
    if year:
        rest = int(year[2])
        return f"{_GERMAN_SMALL[int(year[1])]}hundert" + (f" {rest}" if rest else "")
    return None


def _german_date(found: re.Match[str], before: str) -> str | None:
    """Read "am 03.05.2024" as "dritten Mai 2024"."""
    named = found.groupdict()
    year, month, day = (named["y"], named["m"], named["d"]) if named else found.groups()
    if not (1 <= int(month) <= 12 and 1 <= int(day) <= 31):
        return None
    case = _GERMAN_CASES.get(before.lower(), "r")
    return f"{_german_ordinal(int(day))}{case} {_GERMAN_MONTHS[int(month) - 1]} {year}"


_ROMAN = {"I": 1, "V": 5, "X": 10}
_FRENCH_RANKS = {5: "cinquième", 9: "neuvième", 21: "vingt et unième"}
_FRENCH_SMALL = listed(
    "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze "
    "quinze seize dix-sept dix-huit dix-neuf vingt"
)


def _french(place: Place) -> str | None:
    """Read "XXIe siècle" and "2e" as ranks; "M." is a mister where a name follows."""
    roman = re.fullmatch(r"([IVX]{1,5})(?:e|ème)", place.core)
    digits = re.fullmatch(r"([1-9]|1\d|2[01])(?:e|è|ème)", place.core)
    number = _from_roman(roman[1]) if roman else int(digits[1]) if digits else 0
    if 1 < number < 22:
        said = _FRENCH_RANKS.get(number)
        return said or f"{_FRENCH_SMALL[number].removesuffix('e')}ième"
    return "Monsieur" if place.core == "M." and place.after[:1].isupper() else None


def _from_roman(text: str) -> int:
    values = [_ROMAN[letter] for letter in text]
    pairs = zip(values, [*values[1:], 0], strict=True)
    return sum(-value if value < following else value for value, following in pairs)


def _iberian(ranks: tuple[str, ...]) -> "dict[str, str]":
    """Return "1.º" and "1.ª" and their sisters with what is said."""
    written: dict[str, str] = {}
    for number, rank in enumerate(ranks, 1):
        for mark in (".º", "º", ".o", "er", ".er"):
            written[f"{number}{mark}"] = rank
        for mark in (".ª", "ª", ".a"):
            written[f"{number}{mark}"] = f"{rank[:-1]}a"
    return written


GERMAN = Tongue(
    _COMMA,
    units("Prozent; Kilometer; Meter; Zentimeter; Millimeter; Kilogramm; Gramm; "
          "Kilometer pro Stunde; Grad Celsius; Grad Fahrenheit; Grad; Quadratkilometer; "
          "Quadratmeter; Gigabyte; "
          "Megabyte; Terabyte; Kilowatt; Megawatt; Gigawatt; Kilowattstunden"),
    currencies("Euro; Dollar; Pfund; Yen; Rupien; Rubel; Won; Schekel; Franken"),
    _GERMAN_MONTHS,
    range_="{a} bis {b}", minus="minus", date="{d}. {m} {y}", clock="{h} Uhr {m}",
    percent="{n} Prozent",
    scales=table("Mio.=Million|Millionen; Mio=Million|Millionen; Mrd.=Milliarde|Milliarden; "
                 "Mrd=Milliarde|Milliarden; Tsd.=tausend; Bio.=Billion|Billionen"),
    words={
        "dr.": "Doktor", "prof.": "Professor", "bzw.": "beziehungsweise", "ca.": "circa",
        "usw.": "und so weiter", "etc.": "et cetera", "z.b.": "zum Beispiel", "nr.": "Nummer",
        "u.a.": "unter anderem", "d.h.": "das heißt", "st.": "Sankt", "str.": "Straße",
        "vgl.": "vergleiche", "inkl.": "inklusive", "evtl.": "eventuell", "ggf.": "gegebenenfalls",
        "jh.": "Jahrhundert", "&": "und", "§": "Paragraf", "vs.": "gegen", "24/7": "24 7",
    },
    pairs={("z.", "b."): ("zum", "Beispiel"), ("d.", "h."): ("das", "heißt"),
           ("u.", "a."): ("unter", "anderem")},
    special=_german,
)  # fmt: skip
FRENCH = Tongue(
    _COMMA,
    units("pour cent; kilomètres; mètres; centimètres; millimètres; kilogrammes; grammes; "
          "kilomètres heure; degrés Celsius; degrés Fahrenheit; degrés; "
          "kilomètres carrés; mètres carrés; "
          "gigaoctets; mégaoctets; téraoctets; kilowatts; mégawatts; gigawatts; kilowattheures"),
    currencies("euros; dollars; livres; yens; roupies; roubles; wons; shekels; francs"),
    listed(
        "janvier février mars avril mai juin juillet août septembre octobre novembre "
        "décembre"
    ),
    range_="{a} à {b}", minus="moins", date="{d} {m} {y}", clock="{h} heures {m}",
    percent="{n} pour cent",
    scales=table("M=million|millions; Md=milliard|milliards; Mds=milliard|milliards; k=mille"),
    words={
        "mme": "Madame", "mme.": "Madame", "mm.": "Messieurs", "dr": "Docteur", "dr.": "Docteur",
        "etc.": "et cétéra", "p.ex.": "par exemple", "env.": "environ", "n°": "numéro",
        "no.": "numéro", "st": "saint", "ste": "sainte", "&": "et", "vs": "contre",
        "1er": "premier", "1re": "première", "1ère": "première", "av.": "avant",
    },
    of="de",
    special=_french,
)  # fmt: skip
SPANISH = Tongue(
    _COMMA,
    units("por ciento; kilómetros; metros; centímetros; milímetros; kilos; gramos; "
          "kilómetros por hora; grados Celsius; grados Fahrenheit; grados; "
          "kilómetros cuadrados; metros cuadrados; "
          "gigabytes; megabytes; terabytes; kilovatios; megavatios; gigavatios; "
          "kilovatios hora"),
    currencies("euro|euros; dólar|dólares; libra|libras; yen|yenes; rupia|rupias; rublo|rublos; "
               "won|wones; séquel|séqueles; franco|francos"),
    listed(
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre "
        "diciembre"
    ),
    range_="{a} a {b}", minus="menos", date="{d} de {m} de {y}", clock="{h} {m}",
    percent="{n} por ciento",
    scales=table("M=millón|millones; mill.=millón|millones"),
    of="de",
    words={
        "sr.": "señor", "sra.": "señora", "dr.": "doctor", "dra.": "doctora", "ud.": "usted",
        "uds.": "ustedes", "etc.": "etcétera", "ee.uu.": "Estados Unidos", "eeuu": "Estados Unidos",
        "p.ej.": "por ejemplo", "núm.": "número", "n.º": "número", "&": "y", "vs.": "contra",
        "aprox.": "aproximadamente", "pág.": "página",
        **_iberian(("primero", "segundo", "tercero", "cuarto", "quinto", "sexto", "séptimo",
                    "octavo", "noveno", "décimo")),
        "1.er": "primer", "1er": "primer", "3.er": "tercer", "3er": "tercer",
    },
    pairs={("ee.", "uu."): ("Estados", "Unidos"), ("p.", "ej."): ("por", "ejemplo")},
)  # fmt: skip
ITALIAN = Tongue(
    _COMMA,
    units("per cento; chilometri; metri; centimetri; millimetri; chili; grammi; "
          "chilometri orari; gradi Celsius; gradi Fahrenheit; gradi; "
          "chilometri quadrati; metri quadrati; "
          "gigabyte; megabyte; terabyte; chilowatt; megawatt; gigawatt; chilowattora"),
    currencies("euro; dollaro|dollari; sterlina|sterline; yen; rupia|rupie; rublo|rubli; won; "
               "shekel; franco|franchi"),
    listed(
        "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre "
        "novembre dicembre"
    ),
    range_="{a} a {b}", minus="meno", date="{d} {m} {y}", clock="{h} e {m}",
    percent="{n} per cento",
    scales=table("mln=milione|milioni; mld=miliardo|miliardi"),
    of="di",
    words={
        "sig.": "signor", "sig.ra": "signora", "dott.": "dottor", "dott.ssa": "dottoressa",
        "prof.": "professor", "ecc.": "eccetera", "es.": "esempio", "n.": "numero", "ca.": "circa",
        "&": "e", "vs": "contro", "s.": "san", "gen.": "generale",
    },
)  # fmt: skip
PORTUGUESE = Tongue(
    _COMMA,
    units("por cento; quilómetros; metros; centímetros; milímetros; quilos; gramas; "
          "quilómetros por hora; graus Celsius; graus Fahrenheit; graus; "
          "quilómetros quadrados; metros quadrados; "
          "gigabytes; megabytes; terabytes; quilowatts; megawatts; gigawatts; quilowatts hora"),
    {
        **currencies("euro|euros; dólar|dólares; libra|libras; iene|ienes; rupia|rupias; "
                     "rublo|rublos; won; shekel; franco|francos"),
        "R$": ("real", "reais"),
    },
    listed(
        "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro "
        "dezembro"
    ),
    range_="{a} a {b}", minus="menos", date="{d} de {m} de {y}", clock="{h} horas {m}",
    percent="{n} por cento",
    scales=table("mi=milhão|milhões; bi=bilhão|bilhões"),
    of="de",
    words={
        "sr.": "senhor", "sra.": "senhora", "dr.": "doutor", "dra.": "doutora",
        "etc.": "et cétera", "p.ex.": "por exemplo", "n.º": "número", "nº": "número",
        "av.": "avenida", "eua": "Estados Unidos", "&": "e", "vs.": "contra",
        **_iberian(("primeiro", "segundo", "terceiro", "quarto", "quinto", "sexto", "sétimo",
                    "oitavo", "nono", "décimo")),
    },
)  # fmt: skip
