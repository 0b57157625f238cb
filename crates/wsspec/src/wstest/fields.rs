//! Taking the members of a JSON object one by one; what nobody asked for is unknown.

use std::time::Duration;

use super::json::{Fault, Member, Node, Value};
use crate::text::did_you_mean;

/// The members of one object.
pub(crate) struct Fields<'a> {
    members: &'a [Member],
    at: usize,
    asked: Vec<&'static str>,
}

/// A key that nobody asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unknown {
    pub(crate) key: String,
    /// Where the key stands in the text.
    pub(crate) at: usize,
    /// A key that may have been meant.
    pub(crate) meant: Option<&'static str>,
}

impl<'a> Fields<'a> {
    pub(crate) fn of(node: &'a Node) -> Result<Self, Fault> {
        match &node.value {
            Value::Object(members) => Ok(Self { members, at: node.span.start, asked: Vec::new() }),
            _ => Err(wrong(node, "an object: { … }")),
        }
    }

    /// The node of this key, unless it is absent or null.
    pub(crate) fn node(&mut self, key: &'static str) -> Option<&'a Node> {
        self.asked.push(key);
        let member = self.members.iter().rev().find(|member| member.name == key)?;
        (member.node.value != Value::Null).then_some(&member.node)
    }

    pub(crate) fn text(&mut self, key: &'static str) -> Result<Option<String>, Fault> {
        self.node(key).map(text).transpose()
    }

    pub(crate) fn texts(&mut self, key: &'static str) -> Result<Option<Vec<String>>, Fault> {
        self.node(key).map(texts).transpose()
    }

    pub(crate) fn flag(&mut self, key: &'static str) -> Result<Option<bool>, Fault> {
        let read = |node: &Node| match node.value {
            Value::Bool(value) => Ok(value),
            _ => Err(wrong(node, "true or false")),
        };
        self.node(key).map(read).transpose()
    }

    /// A whole number from 0 to `most`.
    pub(crate) fn count(&mut self, key: &'static str, most: u32) -> Result<Option<u32>, Fault> {
        let read = |node: &Node| match node.value {
            Value::Number(value) if value.fract() == 0.0 && (0.0..=f64::from(most)).contains(&value) => {
                Ok(value as u32)
            }
            _ => Err(wrong(node, &format!("a whole number from 0 to {most}"))),
        };
        self.node(key).map(read).transpose()
    }

    /// Seconds, also with a fraction, at most an hour.
    pub(crate) fn seconds(&mut self, key: &'static str) -> Result<Option<Duration>, Fault> {
        let read = |node: &Node| match node.value {
            Value::Number(value) if (0.0..=3600.0).contains(&value) => Ok(Duration::from_secs_f64(value)),
            _ => Err(wrong(node, "a number of seconds from 0 to 3600")),
        };
        self.node(key).map(read).transpose()
    }

    /// The key is needed: points at the key that was probably meant instead, or at the object.
    pub(crate) fn missing(&self, key: &'static str) -> Fault {
        let near = self.members.iter().find(|member| !did_you_mean(&member.name, [key]).is_empty());
        match near {
            Some(member) => {
                let message = format!("did you mean \"{key}\"?");
                Fault::new(member.name_span.clone(), message)
                    .headline(format!("unknown key \"{}\"", member.name))
                    .advise(format!("write \"{key}\""))
            }
            None => {
                let message = format!("the key \"{key}\" is missing in here");
                Fault::new(self.at..self.at + 1, message)
                    .headline(format!("the key \"{key}\" is missing"))
                    .advise(format!("add \"{key}\""))
            }
        }
    }

    /// What nobody asked for.
    pub(crate) fn unknown(self) -> Vec<Unknown> {
        let unknown = self.members.iter().filter(|member| !self.asked.contains(&member.name.as_str()));
        let meant = |member: &Member| did_you_mean(&member.name, self.asked.iter().copied()).first().copied();
        unknown
            .map(|member| Unknown {
                key: member.name.clone(),
                at: member.name_span.start,
                meant: meant(member)
                    .and_then(|word| self.asked.iter().find(|asked| **asked == word).copied()),
            })
            .collect()
    }
}

pub(crate) fn text(node: &Node) -> Result<String, Fault> {
    match &node.value {
        Value::Text(value) => Ok(value.clone()),
        _ => Err(wrong(node, "text in double quotes")),
    }
}

/// A list of texts.
pub(crate) fn texts(node: &Node) -> Result<Vec<String>, Fault> {
    list(node)?.iter().map(text).collect()
}

pub(crate) fn list(node: &Node) -> Result<&[Node], Fault> {
    match &node.value {
        Value::List(items) => Ok(items),
        _ => Err(wrong(node, "a list: [ … ]")),
    }
}

fn wrong(node: &Node, wanted: &str) -> Fault {
    Fault::new(node.span.clone(), format!("this has to be {wanted}")).headline("a value of the wrong kind")
}
