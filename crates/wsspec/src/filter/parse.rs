use super::Expr;
use super::atom::{Atom, NAMES};
use crate::errors::{ErrorCode, Place, Problem};
use crate::text::did_you_mean;

/// Brackets and negations inside each other.
const DEPTH: usize = 64;

pub(super) fn parse(text: &str) -> Result<Expr, Problem> {
    let mut parser = Parser { text, at: 0, depth: 0 };
    let expr = parser.any().and_then(|expr| match parser.rest() {
        "" => Ok(expr),
        _ => Err(parser.wrong(parser.word(), "expected \"and\", \"or\" or the end")),
    });
    expr.map_err(|mistake| mistake.explain(text))
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

/// Something that cannot stand where it stands.
struct Mistake {
    at: usize,
    width: usize,
    why: String,
}

impl<'a> Parser<'a> {
    fn any(&mut self) -> Result<Expr, Mistake> {
        let mut parts = vec![self.all()?];
        while self.take_word("or") || self.take("|") {
            parts.push(self.all()?);
        }
        Ok(Expr::Any(parts))
    }

    fn all(&mut self) -> Result<Expr, Mistake> {
        let mut parts = vec![self.fact()?];
        while self.take_word("and") || self.take("&") {
            parts.push(self.fact()?);
        }
        Ok(Expr::All(parts))
    }

    fn fact(&mut self) -> Result<Expr, Mistake> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(self.wrong("", "too many brackets inside each other"));
        }
        let fact = if self.take_word("not") || self.take("!") {
            Expr::Not(Box::new(self.fact()?))
        } else if self.take("(") {
            let inside = self.any()?;
            if !self.take(")") {
                return Err(self.wrong(self.word(), "expected \")\""));
            }
            inside
        } else {
            Expr::Atom(self.atom()?)
        };
        self.depth -= 1;
        Ok(fact)
    }

    fn atom(&mut self) -> Result<Atom, Mistake> {
        self.rest();
        let start = self.at;
        let name = self.word();
        if let Some(name) = self.bare_name() {
            let why = format!("expected an atom; did you mean id({name})?");
            return Err(self.wrong(name, &why));
        }
        if !NAMES.contains(&name) {
            let known = NAMES.iter().copied().chain(["not", "and", "or"]);
            let meant = did_you_mean(name, known);
            let meant = meant.first().map_or_else(String::new, |word| format!("; did you mean {word:?}?"));
            return Err(self.wrong(name, &format!("expected \"not\", \"(\" or an atom{meant}")));
        }
        self.at += name.len();
        if !self.take("(") {
            return Err(self.wrong(self.word(), "expected \"(\""));
        }
        let argument = self.argument()?;
        Atom::new(name, argument.trim()).map_err(|why| Mistake { at: start, width: self.at - start, why })
    }

    /// What stands between the brackets; a regular expression between slashes may hold brackets.
    fn argument(&mut self) -> Result<&'a str, Mistake> {
        let rest = self.rest();
        let end = if rest.starts_with('/') { rest.find("/)").map(|at| at + 1) } else { rest.find(')') };
        let Some(end) = end else {
            self.at = self.text.len();
            return Err(self.wrong("", "expected \")\""));
        };
        self.at += end + 1;
        Ok(&rest[..end])
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = self.rest().starts_with(sign);
        self.at += if found { sign.len() } else { 0 };
        found
    }

    fn take_word(&mut self, word: &str) -> bool {
        self.rest();
        let found = self.word() == word;
        self.at += if found { word.len() } else { 0 };
        found
    }

    /// `5.9` or `7.*`, which outside of expressions is the name of a case.
    fn bare_name(&self) -> Option<&'a str> {
        let rest = &self.text[self.at..];
        let end = rest.find(|c: char| !(c.is_ascii_digit() || ".*?".contains(c))).unwrap_or(rest.len());
        Some(&rest[..end]).filter(|name| name.starts_with(|c: char| c.is_ascii_digit()))
    }

    /// The letters at the current place.
    fn word(&self) -> &'a str {
        let rest = &self.text[self.at..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        &rest[..end]
    }

    /// Skips white space.
    fn rest(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
        &self.text[self.at..]
    }

    fn wrong(&self, token: &str, why: &str) -> Mistake {
        Mistake { at: self.at, width: token.chars().count().max(1), why: why.to_owned() }
    }
}

impl Mistake {
    fn explain(self, text: &str) -> Problem {
        let before = text[..self.at].chars().count();
        let (why, more) = self.why.split_once('\n').unwrap_or((&self.why, ""));
        let problem = Problem::new(ErrorCode::E20, "cannot read the filter expression")
            .place(Place::new(text, before, self.width, why));
        let problem = if more.is_empty() { problem } else { problem.fact("why", more) };
        problem.fact("atoms", NAMES.join(" ")).fact("try", "wsspec list -E 'section(5) and level(must)'")
    }
}
