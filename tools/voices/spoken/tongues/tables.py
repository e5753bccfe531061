"""Short writing for the tables of words: the same keys in the same order in every language."""

UNITS = (
    *("%", "km", "m", "cm", "mm", "kg", "g", "km/h", "°C", "°F", "°", "km²", "m²"),
    *("GB", "MB", "TB", "kW", "MW", "GW", "kWh"),
)
CURRENCIES = ("€", "$", "£", "¥", "₹", "₽", "₩", "₪", "CHF")


def units(words: str) -> dict[str, tuple[str, ...]]:
    """Return the words of `UNITS`, which stand in their order between semicolons."""
    return dict(zip(UNITS, _forms(words), strict=True))


def currencies(words: str) -> dict[str, tuple[str, ...]]:
    """Return the words of `CURRENCIES`, which stand in their order between semicolons."""
    named = dict(zip(CURRENCIES, _forms(words), strict=True))
    return {**named, "US$": named["$"], "USD": named["$"], "EUR": named["€"]}


def table(words: str) -> dict[str, tuple[str, ...]]:
    """Return "key=one|many; key=one|many" as a table."""
    pairs = (entry.split("=") for entry in words.split(";"))
    return {key.strip(): tuple(forms.strip().split("|")) for key, forms in pairs}


def _forms(words: str) -> list[tuple[str, ...]]:
    return [tuple(entry.strip().split("|")) for entry in words.split(";")]


def listed(words: str) -> tuple[str, ...]:
    """Return words that stand between spaces."""
    return tuple(words.split())
