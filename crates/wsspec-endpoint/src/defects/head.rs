//! Heads of the opening handshake, to be rewritten.

/// The first line and the fields.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) start: String,
    pub(super) fields: Vec<(String, String)>,
}

impl Head {
    /// Octets that are not ASCII do not matter here.
    pub(super) fn parse(octets: &[u8]) -> Self {
        let text = String::from_utf8_lossy(octets);
        let mut lines = text.split("\r\n");
        let start = lines.next().unwrap_or_default().to_owned();
        let field =
            |line: &str| line.split_once(':').map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
        Self { start, fields: lines.filter_map(field).collect() }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut text = format!("{}\r\n", self.start);
        for (name, value) in &self.fields {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        text.into_bytes()
    }

    pub(super) fn get(&mut self, name: &str) -> Option<&mut String> {
        let mut fields = self.fields.iter_mut();
        fields.find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Sets a field, which is added if it is not there.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        match self.get(name) {
            Some(own) => value.clone_into(own),
            None => self.fields.push((name.to_owned(), value.to_owned())),
        }
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.fields.retain(|(own, _)| !own.eq_ignore_ascii_case(name));
    }
}
