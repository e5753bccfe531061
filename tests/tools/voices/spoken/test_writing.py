import pytest

from bookai.errors import Refused
from tools.voices.spoken.writing import refuse_another_writing


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("A town of 5,000 people voted.", "en"),
        ("北海道大学の研究チーム ABCDE", "ja"),
        ("Apple iPhone 17 की कीमत अब बढ़ गई है", "hi"),
        ("Беларусь и мир сегодня", "ru"),
        ("Ovo je srpski tekst u latinici", "sr"),
        ("日本語", "en"),
        ("123 456 %", "el"),
        ("🎉" * 40, "de"),
    ],
)
def test_a_text_in_its_own_letters_is_spoken(text: str, language: str) -> None:
    refuse_another_writing(text, language)


@pytest.mark.parametrize(
    ("text", "language", "most"),
    [
        ("Это написано по-русски", "en", "Cyrillic"),
        ("This is plain English text", "hi", "Latin"),
        ("北海道大学の研究チームが会見した", "ko", "Hiragana|Cjk|Katakana"),
        ("Αυτό είναι ελληνικά", "ru", "Greek"),
    ],
)
def test_a_text_in_other_letters_is_refused_by_their_name(
    text: str, language: str, most: str
) -> None:
    with pytest.raises(Refused, match=f"{language!r}.*({most})"):
        refuse_another_writing(text, language)
