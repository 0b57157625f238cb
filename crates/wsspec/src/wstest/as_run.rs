//! `wsspec run --spec`: the spec file of `fuzzingclient`, with verdicts and exit statuses of our own.

use std::path::Path;

use wsspec_cases::suite;

use super::patterns::{self, reference};
use super::spec::{self, FuzzingClientSpec, Options, ServerEntry};
use crate::cli::RunArgs;
use crate::errors::{ErrorCode, Problem};
use crate::run::folder::USUAL as USUAL_FOLDER;
use crate::target::Target;

/// What was typed, with what the spec says where nothing was typed.
///
/// # Errors
/// E17 or E18: the spec cannot be read. E27: neither names a server.
pub(crate) fn as_run(typed: &RunArgs, path: &Path) -> Result<RunArgs, Problem> {
    let loaded = spec::load::<FuzzingClientSpec>(Some(path))?;
    let FuzzingClientSpec { outdir, servers, choice, .. } = loaded.spec;
    let selected = patterns::select(&choice, suite().cases())?;
    let mut args = typed.clone();
    if args.out == Path::new(USUAL_FOLDER) {
        args.out = outdir;
    }
    let all = reference(suite().cases()).count();
    args.cases = match selected.cases.len() {
        number if number == all => vec!["@autobahn".to_owned()],
        _ => selected.cases.iter().map(|case| case.id.to_string()).collect(),
    };
    args.targets = servers.iter().map(|server| target(typed, server)).collect();
    args.exclusions = selected.by_agent;
    let warnings = loaded.warnings.into_iter().chain(selected.warnings);
    args.warnings.extend(warnings.map(|warning| spec::warning(&warning)));
    if servers.iter().any(|server| server.options != Options::default()) {
        let name = path.display();
        args.warnings
            .push(format!("note: the options in {name} have no effect here; wsspec help run lists ours"));
    }
    let addressed = args.words.iter().any(|word| Target::looks_like(word)) || args.exec.exec.is_some();
    if args.targets.is_empty() && !addressed && args.unix.is_none() {
        return Err(Problem::new(ErrorCode::E27, format!("{} names no server", path.display()))
            .fact("try", crate::typed::with_operand("ws://127.0.0.1:9001")));
    }
    Ok(args)
}

/// A server of the spec, as if it were typed.
fn target(typed: &RunArgs, server: &ServerEntry) -> RunArgs {
    let mut args = typed.clone();
    args.words = vec![server.url.clone()];
    args.targets = Vec::new();
    args.agent = server.agent.iter().cloned().collect();
    args.origin = typed.origin.clone().or_else(|| server.origin.clone());
    args.tls.sni = typed.tls.sni.clone().or_else(|| server.hostname.clone());
    // The reference checks no certificate.
    args.tls.insecure |= server.url.starts_with("wss:") && typed.tls.cacert.is_none();
    if args.subprotocol.is_empty() {
        args.subprotocol.clone_from(&server.protocols);
    }
    args
}
