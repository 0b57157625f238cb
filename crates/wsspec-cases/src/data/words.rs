//! What the generated data are made of.

/// A place with a weather station.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) name: &'static str,
    pub(super) country: &'static str,
    /// Metres.
    pub(super) altitude: u16,
}

const fn place(name: &'static str, country: &'static str, altitude: u16) -> Place {
    Place { name, country, altitude }
}

pub(super) const PLACES: &[Place] = &[
    place("Zürich", "Schweiz", 408),
    place("København", "Danmark", 14),
    place("Reykjavík", "Ísland", 37),
    place("Łódź", "Polska", 206),
    place("São Paulo", "Brasil", 760),
    place("Αθήνα", "Ελλάδα", 70),
    place("Київ", "Україна", 179),
    place("Türkü", "Türkiye", 850),
    place("القاهرة", "مصر", 23),
    place("ירושלים", "ישראל", 754),
    place("東京", "日本", 40),
    place("서울", "대한민국", 38),
    place("आगरा", "भारत", 171),
    place("กรุงเทพ", "ไทย", 2),
    place("Graz", "Österreich", 353),
    place("Malmö", "Sverige", 12),
    place("Tromsø", "Norge", 10),
    place("Évora", "Portugal", 309),
    place("Plzeň", "Česko", 310),
    place("Győr", "Magyarország", 122),
    place("Brașov", "România", 625),
    place("Tbilisi", "საქართველო", 403),
    place("Göttingen", "Deutschland", 150),
    place("Würzburg", "Deutschland", 177),
];

pub(super) const SKIES: &[&str] =
    &["clear ☀", "overcast ☁", "rain 🌧", "snow 🌨", "thunder ⛈", "fog 🌫", "half covered ⛅", "wind 🌬"];

/// The gender of a noun.
#[derive(Clone, Copy)]
pub(super) enum Gender {
    Der,
    Die,
    Das,
}

use Gender::{Das, Der, Die};

#[rustfmt::skip]
pub(super) const NOUNS: &[(Gender, &str)] = &[
    (Der, "Mann"), (Die, "Frau"), (Das, "Kind"), (Der, "Weg"), (Die, "Tür"), (Das, "Haus"), (Der, "Fluss"),
    (Die, "Brücke"), (Das, "Fenster"), (Der, "Abend"), (Die, "Nacht"), (Das, "Licht"), (Der, "Garten"),
    (Die, "Straße"), (Das, "Feld"), (Der, "Wald"), (Die, "Stadt"), (Das, "Dorf"), (Der, "Brief"),
    (Die, "Frage"), (Das, "Buch"), (Der, "Schatten"), (Die, "Stimme"), (Das, "Lied"), (Der, "Morgen"),
    (Die, "Uhr"), (Das, "Zimmer"), (Der, "Schlüssel"), (Die, "Reise"), (Das, "Schiff"), (Der, "Wind"),
    (Die, "Küste"), (Das, "Meer"), (Der, "Hafen"), (Die, "Insel"), (Das, "Ufer"), (Der, "Sturm"),
    (Die, "Wolke"), (Das, "Gewitter"), (Der, "Regen"), (Die, "Sonne"), (Das, "Dach"), (Der, "Schnee"),
    (Die, "Kälte"), (Das, "Feuer"), (Der, "Ofen"), (Die, "Asche"), (Das, "Holz"), (Der, "Baum"),
    (Die, "Wurzel"), (Das, "Laub"), (Der, "Ast"), (Die, "Blüte"), (Das, "Gras"), (Der, "Vogel"),
    (Die, "Feder"), (Das, "Nest"), (Der, "Hund"), (Die, "Katze"), (Das, "Pferd"), (Der, "Wagen"),
    (Die, "Mühle"), (Das, "Rad"), (Der, "Müller"), (Die, "Ernte"), (Das, "Brot"), (Der, "Bäcker"),
    (Die, "Küche"), (Das, "Messer"), (Der, "Tisch"), (Die, "Schüssel"), (Das, "Glas"), (Der, "Wein"),
    (Die, "Flasche"), (Das, "Fass"), (Der, "Keller"), (Die, "Treppe"), (Das, "Tor"), (Der, "Turm"),
    (Die, "Glocke"), (Das, "Gebet"), (Der, "Pfarrer"), (Die, "Kirche"), (Das, "Grab"), (Der, "Friedhof"),
    (Die, "Mauer"), (Das, "Gesetz"), (Der, "Richter"), (Die, "Schuld"), (Das, "Urteil"), (Der, "Zeuge"),
    (Die, "Lüge"), (Das, "Geheimnis"), (Der, "Verdacht"), (Die, "Spur"), (Das, "Rätsel"), (Der, "Zufall"),
    (Die, "Hoffnung"), (Das, "Glück"), (Der, "Zweifel"), (Die, "Angst"), (Das, "Schweigen"), (Der, "Traum"),
    (Die, "Erinnerung"), (Das, "Bild"), (Der, "Maler"), (Die, "Farbe"), (Das, "Papier"), (Der, "Drucker"),
    (Die, "Zeitung"), (Das, "Gerücht"), (Der, "Nachbar"), (Die, "Familie"), (Das, "Gespräch"),
    (Der, "Bruder"), (Die, "Schwester"), (Das, "Mädchen"), (Der, "Lehrer"), (Die, "Schule"), (Das, "Heft"),
    (Der, "Satz"), (Die, "Sprache"), (Das, "Wort"), (Der, "Arzt"), (Die, "Wunde"), (Das, "Fieber"),
    (Der, "Schmerz"), (Die, "Krankheit"), (Das, "Bett"), (Der, "Gast"), (Die, "Wirtin"), (Das, "Gasthaus"),
    (Der, "Händler"), (Die, "Ware"), (Das, "Geld"), (Der, "Preis"), (Die, "Rechnung"), (Das, "Geschäft"),
    (Der, "Bürger"), (Die, "Wahl"), (Das, "Amt"), (Der, "Schreiber"), (Die, "Unterschrift"), (Das, "Siegel"),
    (Der, "Soldat"), (Die, "Grenze"), (Das, "Lager"), (Der, "Befehl"), (Die, "Fahne"), (Das, "Heer"),
    (Der, "König"), (Die, "Krone"), (Das, "Schloss"), (Der, "Diener"), (Die, "Kammer"), (Das, "Fest"),
    (Der, "Tanz"), (Die, "Geige"), (Das, "Spiel"), (Der, "Berg"), (Die, "Höhle"), (Das, "Tal"),
    (Der, "Stein"), (Die, "Quelle"), (Das, "Wasser"), (Der, "Mond"), (Die, "Ferne"), (Das, "Ende"),
];

/// First halves of compound nouns.
#[rustfmt::skip]
pub(super) const COMPOUNDS: &[&str] = &[
    "Garten", "Winter", "Abend", "Haus", "Wasser", "Berg", "Stadt", "Sommer", "Nacht", "Land", "Feld", "Holz",
    "Stein", "Wald", "Dorf", "Kinder", "Morgen", "Hinter", "Neben", "Ober", "Königs", "Bürger", "Mühlen",
    "Küchen", "Fluss", "Hafen", "Insel", "Glocken", "Sonnen", "Regen", "Vor", "Grenz", "Kirchen", "Schul",
    "Toten", "Lieblings", "Nachbar", "Frühlings", "Glücks", "Reise",
];

/// Without their endings.
#[rustfmt::skip]
pub(super) const ADJECTIVES: &[&str] = &[
    "alt", "jung", "klein", "groß", "lang", "still", "dunkl", "hell", "müd", "schön", "kalt", "warm", "leis",
    "laut", "fremd", "grau", "blau", "weiß", "schwarz", "schmal", "breit", "tief", "hoh", "schwer", "leicht",
    "süß", "bitter", "reich", "arm", "treu", "stolz", "wild", "zart", "rau", "glatt", "feucht", "trocken",
    "leer", "voll", "offen", "verschlossen", "vergessen", "verloren", "gefunden", "seltsam", "langsam",
    "einsam", "fröhlich", "traurig", "ängstlich", "freundlich", "höflich", "heimlich", "gewöhnlich",
    "ungewöhnlich", "ehrlich", "gefährlich", "nützlich", "plötzlich", "nördlich", "südlich", "östlich",
    "ruhig", "eilig", "mutig", "neugierig", "schläfrig", "schmutzig", "staubig", "windig", "mächtig",
    "gütig", "ewig", "hölzern",
    "silbern", "golden", "steinern", "eisern", "gläsern", "städtisch", "königlich", "bäuerlich", "herbstlich",
    "übrig",
];

/// In the past tense, with an object.
#[rustfmt::skip]
pub(super) const VERBS: &[&str] = &[
    "sah", "hörte", "fand", "suchte", "kannte", "liebte", "fürchtete", "brachte", "holte", "trug", "nahm",
    "hielt", "vergaß", "verlor", "verkaufte", "kaufte", "öffnete", "schloss", "betrat", "verließ", "erreichte",
    "begrüßte", "fragte", "rief", "warnte", "tröstete", "störte", "weckte", "führte", "begleitete",
    "verfolgte", "erkannte", "erwartete", "empfing", "beschrieb", "erzählte", "las", "schrieb", "malte",
    "zerriss", "zerbrach", "baute", "hütete", "bewachte", "verteidigte", "verriet", "versteckte", "zeigte",
    "verschwieg", "bemerkte", "übersah", "betrachtete", "berührte", "küsste", "schlug", "traf", "rettete",
    "löschte", "entzündete", "füllte", "leerte", "wusch", "putzte", "ordnete", "zählte", "teilte",
    "verschenkte", "bezahlte", "schuldete", "versprach", "verweigerte", "wünschte", "verlangte", "bekam",
    "behielt", "mied", "ehrte", "verachtete", "bewunderte", "beneidete", "überraschte", "enttäuschte",
    "veränderte", "umkreiste",
];

#[rustfmt::skip]
pub(super) const ADVERBS: &[&str] = &[
    "dann", "bald", "oft", "nie", "immer", "heute", "damals", "gestern", "morgens", "abends", "plötzlich",
    "langsam", "endlich", "schließlich", "später", "früher", "manchmal", "selten", "wieder", "vielleicht", "wahrscheinlich", "gewiss", "leider", "vergebens", "heimlich", "schweigend",
    "lächelnd", "zögernd", "dennoch",
    "deshalb", "trotzdem", "jedenfalls", "überall", "nirgends", "draußen", "drüben", "unterwegs", "dort",
    "hier", "beinahe", "höchstens", "übrigens", "währenddessen",
];

/// With the dative.
#[rustfmt::skip]
pub(super) const PREPOSITIONS: &[&str] = &[
    "in", "an", "auf", "hinter", "vor", "neben", "über", "unter", "zwischen", "mit", "nach", "bei", "seit",
    "von", "aus", ];

pub(super) const CONJUNCTIONS: &[&str] = &[
    "weil", "als", "obwohl", "während", "bevor", "nachdem", "damit", "sobald", "solange", "falls", "dass",
    "ob",
];

/// Before an adjective.
#[rustfmt::skip]
pub(super) const DEGREES: &[&str] = &[
    "sehr ", "recht ", "ganz ", "allzu ", "ziemlich ", "überaus ", "nicht ", "fast ", "noch ", "schon ", "so ",
    "ungemein ", "wenig ", ];

/// Beginnings of names.
#[rustfmt::skip]
pub(super) const SYLLABLES: &[&str] = &[
    "al", "an", "ber", "bo", "bran", "bru", "da", "del", "dor", "eb", "ei", "el", "er", "fal", "fin", "frie",
    "ga", "ger", "glo", "gun", "ha", "hel", "hil", "ho", "im", "in", "jo", "jür", "ka", "kel", "klo", "kun",
    "la", "len", "lo", "lü", "ma", "mel", "mo", "mün", "na", "nie", "no", "ol", "os", "pe", "quen", "ra",
    "rei", "ro", "sa", "se", "sil", "stef", "ta", "tho", "ul", "ur", "va", "vol", "wal", "wen", "wi", "zel",
];

pub(super) const NAME_ENDINGS: &[&str] = &[
    "au", "bach", "berg", "bert", "brecht", "burg", "dorf", "e", "feld", "fried", "gard", "hard", "heim",
    "hild", "holz", "ian", "ine", "ing", "kirchen", "ler", "lind", "mann", "münde", "ow", "rich", "ried",
    "stedt", "tal", "tin", "trud", "wald", "win",
];

/// As subject and as object.
pub(super) const PRONOUNS: &[(&str, &str)] = &[
    ("er", "ihn"),
    ("sie", "sie"),
    ("es", "es"),
    ("man", "sich"),
    ("ich", "mich"),
    ("wer", "wen"),
    ("der", "den"),
    ("jeder", "uns"),
    ("keiner", "dich"),
    ("niemand", "euch"),
    ("einer", "etwas"),
    ("alles", "nichts"),
];

#[rustfmt::skip]
pub(super) const PARTICLES: &[&str] = &[
    "ja", "doch", "nur", "auch", "schon", "so", "da", "nun", "noch", "wohl", "gar", "mal", "eben", "halt", "nicht",
    "erst", "kaum", "fast", "sehr", "gern", "je", "zu", "ab", "an",
];
