use super::dice::Dice;
use super::words::{
    ADJECTIVES, ADVERBS, COMPOUNDS, CONJUNCTIONS, DEGREES, Gender, NAME_ENDINGS, NOUNS, PARTICLES,
    PREPOSITIONS, PRONOUNS, SYLLABLES, VERBS,
};

const LINE: usize = 72;

/// Sentences that obey a grammar and mean nothing, in paragraphs and lines, exactly `len` octets.
pub(super) fn generate(len: usize) -> Vec<u8> {
    let mut dice = Dice::new(0x9105e);
    let mut text = String::new();
    while text.len() < len {
        let paragraph: Vec<String> = (0..dice.between(3, 9)).map(|_| sentence(&mut dice)).collect();
        wrap(&paragraph.join(" "), &mut text);
        text.push('\n');
    }
    while text.len() >= len {
        text.pop();
    }
    text.push_str(&"\n".repeat(len - text.len()));
    text.into_bytes()
}

/// Breaks a paragraph into lines.
fn wrap(paragraph: &str, out: &mut String) {
    let mut column = 0;
    for word in paragraph.split(' ') {
        let width = word.chars().count();
        if column > 0 && column + 1 + width > LINE {
            out.push('\n');
            column = 0;
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += width;
    }
    out.push('\n');
}

fn sentence(dice: &mut Dice) -> String {
    let clause = match dice.below(6) {
        0 => main_clause(dice),
        1 => format!("{}, {}", main_clause(dice), subordinate(dice)),
        2 => format!("{}, {}, und {}", inverted(dice), subordinate(dice), main_clause(dice)),
        3 => format!("{} und {}", inverted(dice), main_clause(dice)),
        4 => format!("»{}«, sagte {}", capital(&main_clause(dice)), subject(dice)),
        _ => inverted(dice),
    };
    let end = if dice.one_in(9) { ['!', '?'][dice.below(2)] } else { '.' };
    capital(&clause) + &String::from(end)
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// Der alte Mann öffnete nun das Fenster hinter dem Garten.
fn main_clause(dice: &mut Dice) -> String {
    let (subject, verb) = (subject(dice), dice.pick(VERBS));
    format!("{subject} {verb}{} {}{}", particle(dice), object(dice), place(dice))
}

/// Bald öffnete er doch das Fenster.
fn inverted(dice: &mut Dice) -> String {
    let (adverb, verb) = (dice.pick(ADVERBS), dice.pick(VERBS));
    format!("{adverb} {verb} {}{} {}{}", subject(dice), particle(dice), object(dice), place(dice))
}

/// … weil der alte Mann das Fenster öffnete.
fn subordinate(dice: &mut Dice) -> String {
    let conjunction = dice.pick(CONJUNCTIONS);
    let (subject, object, verb) = (subject(dice), object(dice), dice.pick(VERBS));
    format!("{conjunction} {subject}{} {object} {verb}", particle(dice))
}

fn particle(dice: &mut Dice) -> String {
    if dice.one_in(2) { format!(" {}", dice.pick(PARTICLES)) } else { String::new() }
}

/// Articles and adjective endings by gender, definite and indefinite.
type Forms = [[(&'static str, &'static str); 2]; 3];

const NOMINATIVE: Forms =
    [[("der", "e"), ("ein", "er")], [("die", "e"), ("eine", "e")], [("das", "e"), ("ein", "es")]];
const ACCUSATIVE: Forms =
    [[("den", "en"), ("einen", "en")], [("die", "e"), ("eine", "e")], [("das", "e"), ("ein", "es")]];
const DATIVE: Forms =
    [[("dem", "en"), ("einem", "en")], [("der", "en"), ("einer", "en")], [("dem", "en"), ("einem", "en")]];

fn subject(dice: &mut Dice) -> String {
    if dice.one_in(3) { dice.pick(PRONOUNS).0.to_owned() } else { noun_phrase(dice, &NOMINATIVE) }
}

fn object(dice: &mut Dice) -> String {
    if dice.one_in(3) { dice.pick(PRONOUNS).1.to_owned() } else { noun_phrase(dice, &ACCUSATIVE) }
}

/// Where; in a third of the clauses nothing.
fn place(dice: &mut Dice) -> String {
    if dice.one_in(3) {
        return String::new();
    }
    format!(" {} {}", dice.pick(PREPOSITIONS), noun_phrase(dice, &DATIVE))
}

fn noun_phrase(dice: &mut Dice, forms: &Forms) -> String {
    if dice.one_in(3) {
        return name(dice);
    }
    let (gender, noun) = dice.pick(NOUNS);
    let gender = match gender {
        Gender::Der => 0,
        Gender::Die => 1,
        Gender::Das => 2,
    };
    let (article, ending) = forms[gender][usize::from(dice.one_in(3))];
    let noun = if dice.one_in(5) {
        format!("{}{}", dice.pick(COMPOUNDS), noun.to_lowercase())
    } else {
        noun.to_owned()
    };
    match dice.below(5) {
        0 | 1 => format!("{article} {noun}"),
        2 => format!("{article} {}{ending}, {}{ending} {noun}", adjective(dice), adjective(dice)),
        _ => format!("{article} {}{ending} {noun}", adjective(dice)),
    }
}

fn adjective(dice: &mut Dice) -> String {
    let degree = if dice.one_in(8) { dice.pick(DEGREES) } else { "" };
    format!("{degree}{}", dice.pick(ADJECTIVES))
}

/// Of people and places that no one knows.
fn name(dice: &mut Dice) -> String {
    let syllables: String = (0..dice.between(1, 3)).map(|_| dice.pick(SYLLABLES)).collect();
    capital(&syllables) + dice.pick(NAME_ENDINGS)
}
