"""What a page says around a video, in the video's language where we have the words."""

from datetime import datetime

from bookai.models import Record

RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur", "yi"})


class Words(Record):
    """The labels of one language; `date` is a strftime pattern that needs no names of months."""

    language: str
    all_videos: str
    ai_made: str
    ad: str
    transcript: str
    captions: str
    no_video: str
    download: str
    date: str = "%Y-%m-%d"


_ALL = (
    Words(
        language="en",
        all_videos="All videos",
        ai_made="AI-made: voice and pictures",
        ad="Contains an ad",
        transcript="Transcript",
        captions="Captions",
        no_video="Your browser cannot play this video.",
        download="Download it",
        date="%d %B %Y",
    ),
    Words(
        language="de",
        all_videos="Alle Videos",
        ai_made="KI-erzeugt: Stimme und Bild",
        ad="Enthält Werbung",
        transcript="Wortlaut",
        captions="Untertitel",
        no_video="Ihr Browser kann dieses Video nicht abspielen.",
        download="Herunterladen",
        date="%d.%m.%Y",
    ),
    Words(
        language="fr",
        all_videos="Toutes les vidéos",
        ai_made="Créé par IA : voix et images",
        ad="Contient une publicité",
        transcript="Transcription",
        captions="Sous-titres",
        no_video="Votre navigateur ne peut pas lire cette vidéo.",
        download="La télécharger",
        date="%d/%m/%Y",
    ),
    Words(
        language="es",
        all_videos="Todos los vídeos",
        ai_made="Hecho con IA: voz e imágenes",
        ad="Contiene publicidad",
        transcript="Transcripción",
        captions="Subtítulos",
        no_video="Su navegador no puede reproducir este vídeo.",
        download="Descargarlo",
        date="%d/%m/%Y",
    ),
    Words(
        language="it",
        all_videos="Tutti i video",
        ai_made="Creato con IA: voce e immagini",
        ad="Contiene pubblicità",
        transcript="Trascrizione",
        captions="Sottotitoli",
        no_video="Il browser non può riprodurre questo video.",
        download="Scaricarlo",
        date="%d/%m/%Y",
    ),
    Words(
        language="pt",
        all_videos="Todos os vídeos",
        ai_made="Feito com IA: voz e imagens",
        ad="Contém publicidade",
        transcript="Transcrição",
        captions="Legendas",
        no_video="O seu navegador não consegue reproduzir este vídeo.",
        download="Descarregar",
        date="%d/%m/%Y",
    ),
)
_BY_LANGUAGE = {words.language: words for words in _ALL}


def words_in(language: str) -> Words:
    """Return the labels in a language, else in English."""
    return _BY_LANGUAGE.get(language, _BY_LANGUAGE["en"])


def day(at: datetime, words: Words) -> str:
    """Return the day of a time as a reader writes it, without a leading zero in English."""
    return at.strftime(words.date).removeprefix("0" if words.language == "en" else "")


def direction(language: str) -> str:
    """Return the reading direction of a language, as HTML names it."""
    return "rtl" if language in RIGHT_TO_LEFT else "ltr"
