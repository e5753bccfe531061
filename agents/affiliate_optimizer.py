from agents.base import Agent, Context
from bookai.errors import BookAIError, OperatorNeeded, Refused
from bookai.models import (
    Capability,
    Fallback,
    Line,
    Offer,
    OfferChoice,
    OfferList,
    Script,
    VideoJob,
)
from bookai.text.offer_match import Fit, best_fits
from bookai.text.readability import seconds
from bookai.text.sensitive import sensitive_word

DISCLOSURES = {
    "en": "Ad: we may earn a commission if you buy through the link.",
    "de": "Anzeige: Beim Kauf über den Link erhalten wir eventuell eine Provision.",
    "fr": "Publicité : un achat via le lien peut nous rapporter une commission.",
    "es": "Anuncio: podemos recibir una comisión si compras con el enlace.",
    "it": "Pubblicità: se acquisti dal link potremmo ricevere una commissione.",
    "pt": "Publicidade: podemos ganhar uma comissão se comprar pelo link.",
}


class AffiliateOptimizer(Agent):
    """Chooses one product, or none, and says why; what it chooses is always disclosed."""

    name = "affiliate_optimizer"
    capabilities: frozenset[Capability] = frozenset({"match_offers"})

    async def run(self, capability: Capability, job: VideoJob, ctx: Context) -> VideoJob:
        script = job.script
        if script is None:
            raise BookAIError(f"job {job.job_id} has no script to match offers with")
        if grave := sensitive_word(f"{script.title}. {script.text}"):
            return _without(job, f"no offer beside a sensitive topic: the script says '{grave}'")
        offers = (await ctx.tools.call("list_offers", OfferList)).offers
        fits = best_fits(script.title, script.text, offers)
        if not fits or not fits[0].is_strong:
            return _without(job, _nothing(fits[:1], len(offers)))
        return await _offered(job, script, fits[0], ctx)


async def _offered(job: VideoJob, script: Script, fit: Fit, ctx: Context) -> VideoJob:
    product_id = fit.offer.product_id
    try:
        offer = await ctx.tools.call("make_link", Offer, job_id=job.job_id, product_id=product_id)
    except (Refused, OperatorNeeded) as error:
        # A product taken out of the catalogue, or a network without its plug-in, is no reason to
        # lose the video: it goes on without an offer, and the operator reads why.
        fallback = Fallback(
            what="affiliate link", wanted=fit.offer.name, used="no offer", why=str(error)
        )
        return _without(job, f"{fit.offer.name} fits, but has no link: {error}", fallback)
    disclosure, fallbacks = disclosure_in(script.language)
    reason = f"{offer.name}: matched {_quoted(fit.matched)}"
    spoken = job.model_copy(update={"script": with_disclosure(script, disclosure)})
    choice = OfferChoice(offer=offer, reason=reason, disclosure=disclosure)
    return _with(spoken, choice, *fallbacks)


def with_disclosure(script: Script, disclosure: str) -> Script:
    """Return the script with the disclosure as a line of its own, before the call to action.

    An ad that only a caption names is missed by whoever listens; the picture shows it as well.
    """
    lines = [line for line in script.lines if line.kind != "disclosure"]
    at = next((n for n, line in enumerate(lines) if line.kind == "cta"), len(lines))
    lines.insert(at, Line(text=disclosure, kind="disclosure"))
    length_s = seconds(" ".join(line.text for line in lines))
    return script.model_copy(update={"lines": tuple(lines), "seconds_est": length_s})


def disclosure_in(language: str) -> tuple[str, tuple[Fallback, ...]]:
    """Return the disclosure in a language, or in English with the fallback told."""
    if language in DISCLOSURES:
        return DISCLOSURES[language], ()
    fallback = Fallback(
        what="disclosure language",
        wanted=language,
        used="en",
        why=f"there is no disclosure in {language!r} yet",
    )
    return DISCLOSURES["en"], (fallback,)


def _nothing(best: tuple[Fit, ...], total: int) -> str:
    if not best:
        return f"nothing of {total} products fits: none shares a term with the script"
    fit = best[0]
    terms = "1 weak term" if len(fit.matched) == 1 else f"{len(fit.matched)} weak terms"
    return (
        f"nothing of {total} products fits: best was {fit.offer.name} "
        f"with {terms} ({_quoted(fit.matched)})"
    )


def _quoted(terms: tuple[str, ...]) -> str:
    return ", ".join(f"'{term}'" for term in terms)


def _without(job: VideoJob, reason: str, *fallbacks: Fallback) -> VideoJob:
    return _with(job, OfferChoice(offer=None, reason=reason), *fallbacks)


def _with(job: VideoJob, choice: OfferChoice, *fallbacks: Fallback) -> VideoJob:
    new = [one for one in fallbacks if one not in job.fallbacks]
    return job.model_copy(update={"offer": choice, "fallbacks": (*job.fallbacks, *new)})


AGENT = AffiliateOptimizer()
