//! The reports of this run, and nothing else of the disk.

use super::Answer;
use crate::serve::Shared;

/// The type of HTML reports.
pub(super) const KIND: &str = "text/html;charset=utf-8";

/// The file that a path means: `/report`, `/reports/NAME`, and for scripts of the reference `/cwd/…/NAME`.
pub(super) fn find(path: &str, shared: &Shared) -> Option<Answer> {
    let name = match path {
        path if is_page(path) => "report.html",
        path => name(path, &shared.ledger.path().to_string_lossy(), shared.plan.as_reference)?,
    };
    let octets = std::fs::read(shared.ledger.path().join(name)).ok()?;
    Some(Answer::new(200, kind(name)?, octets))
}

/// Whether a path means the page that holds everything.
pub(super) fn is_page(path: &str) -> bool {
    matches!(path, "/report" | "/report/")
}

fn name<'a>(path: &'a str, outdir: &str, as_reference: bool) -> Option<&'a str> {
    let rest = match path.strip_prefix("/cwd/") {
        Some(rest) if as_reference => {
            let folder = outdir.trim_start_matches("./").trim_start_matches('/').trim_end_matches('/');
            rest.strip_prefix(folder)?.strip_prefix('/')?
        }
        _ => path.strip_prefix("/reports/")?,
    };
    let rest = if rest.is_empty() { "index.html" } else { rest };
    let plain = rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    (plain && !rest.starts_with('.')).then_some(rest)
}

fn kind(name: &str) -> Option<&'static str> {
    match name.rsplit_once('.')?.1 {
        "html" => Some(KIND),
        "json" => Some("application/json"),
        "jsonl" | "txt" | "md" => Some("text/plain; charset=utf-8"),
        "xml" => Some("application/xml"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_the_output_folder_have_a_name() {
        assert_eq!(name("/reports/index.json", "out", false), Some("index.json"));
        assert_eq!(name("/reports/", "out", false), Some("index.html"));
        assert_eq!(
            name("/cwd/reports/clients/a_case_1_1_1.html", "./reports/clients", true),
            Some("a_case_1_1_1.html")
        );
        assert_eq!(name("/cwd/reports/clients/index.html", "./reports/clients", false), None);
        for path in [
            "/reports/../Cargo.toml",
            "/reports/a/b.json",
            "/reports/.part",
            "/reports/..",
            "/reports",
            "/etc/passwd",
            "/cwd/etc/passwd",
            "/cwd/reports/clients/../../x",
            "/reports/a\0b.json",
        ] {
            assert_eq!(name(path, "./reports/clients", true), None, "{path}");
        }
    }

    #[test]
    fn only_kinds_of_reports_are_served() {
        assert_eq!(kind("index.json"), Some("application/json"));
        assert_eq!(kind("key.pem"), None);
        assert_eq!(kind("index"), None);
    }
}
