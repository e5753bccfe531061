"""Topics that a person looks at before anything about them goes out; stricter than for offers.

One word is enough, whatever it means there: a harmless post that waits costs a look, a grave one
that went out alone cannot be taken back.
"""

from bookai.text.words import tokens

LANGUAGES = frozenset({"en"})
"""Languages whose words below were reviewed; every other one is for people alone."""

_TOPICS = {
    "deaths and disasters": (
        "accident accidents avalanche blast blaze bomb bombing bombs buried burned casualties "
        "casualty catastrophe collapse collapsed corpse crash crashed crashes dead deadly death "
        "deaths derailed die died dies disaster disasters drown drowned drowning drowns dying "
        "earthquake earthquakes emergency eruption evacuated evacuation explosion explosions fatal "
        "fatalities fatality flood flooded flooding floods funeral grief hurricane hurricanes "
        "injured injuries injury kill killed killing killings kills landslide missing mourning "
        "perished rescue rescued shipwreck sinking starvation storm storms suicide survivor "
        "survivors tornado tornadoes tragedy tragic tsunami typhoon victim victims war wars "
        "wildfire wildfires wounded wreckage troops soldiers missile missiles invasion military "
        "airstrike famine refugee refugees attack attacked attacks"
    ),
    "health": (
        "abortion addiction aids allergy anxiety autism cancer cancers cardiac cholesterol "
        "clinic clinical cure cured cures covid depression diabetes diagnosed diagnosis diet "
        "disease diseases doctor doctors dose drug drugs epidemic fever flu health heart hiv "
        "hospital hospitals illness infected infection infections insulin medical medication "
        "medicine medicines mental obesity outbreak overdose pandemic patient patients pill pills "
        "pregnancy pregnant prescription sick sickness stroke supplement supplements surgeon "
        "surgery symptom symptoms therapy therapies toxic treatment treatments tumor tumour "
        "vaccine vaccines vaccinated vaccination virus viruses vitamin vitamins weight"
    ),
    "politics": (
        "activist activists asylum ballot ballots campaign candidate candidates chancellor "
        "communist congress conservative conservatives coup deportation diplomat diplomats "
        "democrat democrats elected election elections embassy government governments governor "
        "immigrant immigrants immigration impeachment kremlin legislation legislature liberal "
        "liberals mayor migrant migrants minister ministers ministry nationalist parliament "
        "parliamentary political politician politicians politics populist premier president "
        "presidential presidents propaganda protest protested protesters protests referendum "
        "regime republican republicans resigned riot riots sanctions senate senator senators "
        "socialist strike strikes union unions vote voted voter voters votes voting"
    ),
    "religion": (
        "allah atheist bible bishop bishops buddhism buddhist buddhists catholic catholics "
        "christian christianity christians church churches cult faith god hindu hinduism "
        "hindus imam islam islamic islamist jesus jew jewish jews judaism koran mosque "
        "mosques muslim muslims muhammad pope prayer prayers priest priests prophet quran "
        "rabbi religion religions religious sikh sikhs synagogue synagogues temple temples vatican"
    ),
    "minors": (
        "adolescent adolescents babies baby boy boys child childhood children daughter girl girls "
        "infant infants juvenile kid kids kindergarten minor minors newborn nursery orphan orphans "
        "pupil pupils school schoolboy schoolchildren schoolgirl schools son teen teenage teenager "
        "teenagers teens toddler toddlers underage"
    ),
    "crime and courts": (
        "abuse abused accused alleged allegedly allegation allegations arrest arrested arrests "
        "arson assault assaulted bail bribe bribery charged convicted conviction corrupt "
        "corruption court courts crime crimes criminal criminals defendant detained felony fraud "
        "gang gangs guilty gun gunman guns harassment homicide hostage illegal indicted "
        "indictment jail jailed judge judges jury kidnapped lawsuit lawsuits murder murdered "
        "murderer offender police prison prisoner prisoners prosecution prosecutor prosecutors "
        "rape raped robbed robbery scam scams sentenced sexual shooting shootings shot smuggling "
        "stabbed stabbing stolen sued suspect suspects terror terrorism terrorist terrorists theft "
        "thief trafficking trial verdict violence violent witness"
    ),
    "financial advice": (
        "bankrupt bankruptcy bitcoin bond bonds broker brokers crypto cryptocurrency debt debts "
        "dividend dividends ethereum forex gambling inflation invest invested investing investment "
        "investments investor investors loan loans mortgage mortgages pension pensions portfolio "
        "profit profits recession retirement savings shareholder shareholders shares stock stocks "
        "tax taxes token tokens trader traders trading"
    ),
}
_TOPIC_OF = {word: topic for topic, text in _TOPICS.items() for word in text.split()}


def grave_topic(text: str) -> str | None:
    """Return the first such word of an English text with its topic; None: there is none."""
    for word in tokens(text):
        plain = word.replace("\u2019", "'").removesuffix("'s")
        for part in (plain, *plain.split("-")):
            if part in _TOPIC_OF:
                return f"{_TOPIC_OF[part]}: it says '{part}'"
    return None
