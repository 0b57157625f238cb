//! The implementations under test: their addresses and names.

use wsspec_engine::ClientOpening;

use crate::errors::{ErrorCode, Problem};
use crate::net::client::Secure;
use crate::net::tls::ClientTls;
use crate::sut::plan::ExecPlan;
use crate::target::Target;
use crate::terminal::failure::shell;

/// One implementation, as asked for.
#[derive(Clone, Debug)]
pub struct PeerPlan {
    /// Where it is; `None`: the built-in endpoint is started for it.
    pub target: Option<Target>,
    /// The address as it can be typed again; `None`: that of `target`.
    pub address: Option<String>,
    /// It is the built-in endpoint, whose address is gone after the run.
    pub built_in: bool,
    /// The name that was typed.
    pub name: Option<String>,
    /// TLS, if the address asks for that.
    pub secure: Option<Secure>,
    /// What is said in the opening handshake.
    pub opening: ClientOpening,
    /// How it is started, if the tester does that; its port may be another one then.
    pub exec: Option<ExecPlan>,
    /// The options that repeat all this.
    pub again: Vec<String>,
}

impl PeerPlan {
    /// Gives the plan the address of the server.
    pub fn at(mut self, target: Target) -> Self {
        self.opening.host = target.host_header();
        self.opening.target.clone_from(&target.resource);
        self.target = Some(target);
        self
    }

    /// Lets advice know what to type for it: its address and its options.
    pub fn was_not_typed(&mut self, words: Vec<String>) {
        if let Some(target) = &mut self.target {
            target.via.untyped = words;
        }
    }
}

/// Gives TLS to those peers whose address asks for it.
///
/// # Errors
/// E18: a certificate or key cannot be read.
pub fn secure(peers: &mut [PeerPlan], tls: &ClientTls) -> Result<(), Problem> {
    let wanted = |peer: &&mut PeerPlan| peer.target.as_ref().is_some_and(|target| target.secure);
    let mut wanted = peers.iter_mut().filter(wanted).peekable();
    if wanted.peek().is_none() {
        return Ok(());
    }
    let connector = tls.connector()?;
    for peer in wanted {
        let host = peer.target.as_ref().map(|target| target.host.clone()).unwrap_or_default();
        peer.secure = Some(Secure { connector: connector.clone(), host });
    }
    Ok(())
}

/// One plan for each address, or one for the built-in endpoint.
///
/// # Errors
/// An address or a name cannot be read.
pub fn plan_peers(
    addresses: &[String],
    names: &[String],
    opening: &ClientOpening,
) -> Result<Vec<PeerPlan>, Problem> {
    let empty = PeerPlan {
        target: None,
        address: None,
        built_in: false,
        name: None,
        secure: None,
        opening: opening.clone(),
        exec: None,
        again: Vec::new(),
    };
    let mut peers = Vec::new();
    for address in addresses {
        // A free port is found when the server is started.
        peers.push(empty.clone().at(Target::parse_any_port(address)?));
    }
    if peers.is_empty() {
        peers.push(PeerPlan { built_in: true, ..empty });
    }
    give_names(&mut peers, names)?;
    Ok(peers)
}

/// Gives the names that were typed, in the place of those that the peers have.
///
/// # Errors
/// E27: a name is for none of them.
pub fn give_names(peers: &mut [PeerPlan], names: &[String]) -> Result<(), Problem> {
    let own: Vec<Option<String>> = peers.iter_mut().map(|peer| peer.name.take()).collect();
    match names {
        // Later ones get a number, and a warning.
        [name] if peers.len() > 1 && !name.contains('=') => {
            peers.iter_mut().for_each(|peer| peer.name = Some(name.clone()));
        }
        names => names.iter().try_for_each(|name| give_name(peers, &own, name))?,
    }
    for (peer, own) in peers.iter_mut().zip(own) {
        peer.name = peer.name.take().or(own);
    }
    Ok(())
}

/// `NAME` goes to the first peer without one; `KEY=NAME` to those that KEY means. `own`: how they are called otherwise.
fn give_name(peers: &mut [PeerPlan], own: &[Option<String>], typed: &str) -> Result<(), Problem> {
    if let Some((key, name)) = typed.split_once('=') {
        let mut meant = 0;
        for (place, peer) in peers.iter_mut().enumerate() {
            if own[place].as_deref() == Some(key) || is_meant(peer, place, key) {
                peer.name = Some(name.to_owned());
                meant += 1;
            }
        }
        if meant > 0 {
            return Ok(());
        }
        // Anything else is a name with an equals sign in it.
        if key.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-._:/[]".contains(&octet)) {
            return Err(no_such_address(peers, own, typed, key));
        }
    }
    match peers.iter_mut().find(|peer| peer.name.is_none()) {
        Some(peer) => peer.name = Some(typed.to_owned()),
        None => {
            return Err(Problem::new(ErrorCode::E27, format!("--agent {typed:?} names no address"))
                .fact("why", "there are more names than addresses, or none of them is meant by the key")
                .fact("try", "--agent 1=NAME   or   --agent HOST:PORT=NAME"));
        }
    }
    Ok(())
}

fn no_such_address(peers: &[PeerPlan], own: &[Option<String>], typed: &str, key: &str) -> Problem {
    let known = peers.iter().zip(own).enumerate().map(|(place, (peer, own))| match &peer.target {
        Some(target) => {
            let own = own.iter().map(|name| format!(" or {name}"));
            format!("{}{} or {target}", place + 1, own.collect::<String>())
        }
        None => format!("{} (wsspec's own endpoint)", place + 1),
    });
    Problem::new(ErrorCode::E27, format!("--agent {typed:?} names no address"))
        .fact("why", format!("no address is called {key:?}"))
        .fact("known", known.collect::<Vec<_>>().join("\n"))
        .fact("try", format!("--agent {}", shell(&[typed.replacen(key, "1", 1)])))
}

fn is_meant(peer: &PeerPlan, place: usize, key: &str) -> bool {
    if key == (place + 1).to_string() {
        return true;
    }
    let Some(target) = &peer.target else { return false };
    key == target.host || key == target.authority() || key == target.to_string()
}

/// Makes names unique: the second `lib` is `lib (2)`. Returns those that were changed.
pub fn make_unique(names: &mut [String]) -> Vec<String> {
    let mut changed = Vec::new();
    for at in 1..names.len() {
        let (before, rest) = names.split_at_mut(at);
        let name = rest[0].clone();
        let mut number = 2;
        while before.contains(&rest[0]) {
            rest[0] = format!("{name} ({number})");
            number += 1;
        }
        if rest[0] != name {
            changed.push(name);
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(addresses: &[&str], names: &[&str]) -> Vec<Option<String>> {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let peers = plan_peers(&owned(addresses), &owned(names), &ClientOpening::default()).unwrap();
        peers.into_iter().map(|peer| peer.name).collect()
    }

    #[test]
    fn names_find_their_address() {
        let some = |name: &str| Some(name.to_owned());
        assert_eq!(names(&["ws://a:1", "ws://b:2"], &["b=B", "a=A"]), [some("A"), some("B")]);
        assert_eq!(names(&["ws://a:1", "ws://a:2"], &["a:2=B", "1=A"]), [some("A"), some("B")]);
        assert_eq!(names(&["ws://a:1", "ws://a:2"], &["A", "B"]), [some("A"), some("B")]);
        assert_eq!(names(&["ws://a:1"], &["1=x=y"]), [some("x=y")]);
        assert_eq!(names(&[], &["mine"]), [some("mine")]);
    }

    #[test]
    fn a_key_that_is_no_address_became_part_of_a_name() {
        let addresses = ["ws://a:1", "ws://b:2"].map(str::to_owned);
        let problem = plan_peers(&addresses, &["c=libC".to_owned()], &ClientOpening::default()).unwrap_err();
        let text = problem.to_string();
        assert!(text.contains(r#"--agent "c=libC" names no address"#), "{text}");
        assert!(text.contains("1 or ws://a:1") && text.contains("2 or ws://b:2"), "{text}");
    }

    #[test]
    fn a_name_for_one_of_several_targets_of_a_file_was_refused_by_the_others() {
        let addresses = ["ws://a:1", "ws://b:2"].map(str::to_owned);
        let named = |typed: &[&str]| {
            let own = ["libA".to_owned(), "libB".to_owned()];
            let mut peers = plan_peers(&addresses, &own, &ClientOpening::default())?;
            give_names(&mut peers, &typed.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())?;
            Ok::<_, Problem>(peers.into_iter().filter_map(|peer| peer.name).collect::<Vec<_>>())
        };
        for (typed, names) in [
            (&[][..], ["libA", "libB"]),
            (&["b=new"], ["libA", "new"]),
            (&["libA=new"], ["new", "libB"]),
            (&["2=y", "1=x"], ["x", "y"]),
            (&["x", "y"], ["x", "y"]),
            (&["x"], ["x", "x"]),
        ] {
            assert_eq!(named(typed).unwrap(), names);
        }
        let text = named(&["c=new"]).unwrap_err().to_string();
        assert!(text.contains("1 or libA or ws://a:1"), "{text}");
    }

    #[test]
    fn equal_names_are_numbered() {
        let mut names = ["lib", "lib", "lib (2)", "lib"].map(str::to_owned);
        assert_eq!(make_unique(&mut names), ["lib", "lib (2)", "lib"]);
        assert_eq!(names, ["lib", "lib (2)", "lib (2) (2)", "lib (3)"]);
    }
}
