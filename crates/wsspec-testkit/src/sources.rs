//! Sources of other projects, from where these are published, and what their compilers make of them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::{CACHE, installed, program, runs, skip};

/// A source archive in Debian's pool (`j/java-websocket/java-websocket_1.6.0.orig.tar.gz`) that has this SHA-256, unpacked,
/// from the mirror that apt uses; `None`, and the test is skipped, if it cannot be had.
pub fn debian_source(archive: &str, sha256: &str) -> Option<PathBuf> {
    let name = archive.rsplit('/').next().unwrap_or(archive);
    let folder = Path::new(CACHE).join("debian").join(name.trim_end_matches(".tar.gz"));
    let unpack = |folder: &Path| {
        let file = folder.join(name);
        let fetch = |mirror: &String| {
            let limits = ["-fsSL", "--connect-timeout", "10", "--max-time", "60", "--output"];
            let mut curl = Command::new("curl");
            runs(curl.args(limits).arg(&file).arg(format!("{mirror}pool/main/{archive}")))
        };
        let mut tar = Command::new("tar");
        tar.current_dir(folder).args(["--strip-components=1", "-xzf", name]);
        mirrors().iter().any(fetch) && sum(&file).is_some_and(|sum| sum == sha256) && runs(&mut tar)
    };
    installed(&folder, unpack).or_else(|| {
        skip(&format!("Debian source {name}"));
        None
    })
}

/// The variable that names a folder with checkouts of public repositories, as folders with these names; what is there is
/// not fetched.
pub const HARNESSES: &str = "TESTKIT_HARNESSES";

/// The files of a public repository on GitHub (`karlseguin/websocket.zig`) at this commit; `None`, and the test is skipped,
/// if they cannot be had.
pub fn checkout(repository: &str, commit: &str) -> Option<PathBuf> {
    let name = repository.rsplit('/').next().unwrap_or(repository);
    let ready = std::env::var_os(HARNESSES).map(|folder| Path::new(&folder).join(name));
    if let Some(folder) = ready.filter(|folder| folder.is_dir()) {
        return Some(folder);
    }
    let url = format!("https://github.com/{repository}");
    let fetch = |folder: &Path| {
        reached(&url)
            && git(folder, 10, &["init", "-q"])
            && git(folder, 60, &["fetch", "-q", "--depth", "1", &url, commit])
            && git(folder, 60, &["checkout", "-q", "FETCH_HEAD"])
    };
    installed(&Path::new(CACHE).join("checkouts").join(format!("{name}-{commit}")), fetch).or_else(|| {
        skip(&format!("GitHub: {repository} at {}", &commit[..8]));
        None
    })
}

/// Whether GitHub answers. Asked once: where it does not, no test waits for it again.
fn reached(url: &str) -> bool {
    static REACHED: OnceLock<bool> = OnceLock::new();
    *REACHED.get_or_init(|| git(Path::new("."), 10, &["ls-remote", "-q", url, "HEAD"]))
}

/// Runs git in this folder for so many seconds at most, and lets it ask nobody for a password.
fn git(folder: &Path, seconds: u32, words: &[&str]) -> bool {
    let mut git = Command::new("timeout");
    git.arg(seconds.to_string()).arg("git").args(words).current_dir(folder);
    runs(git.env("GIT_TERMINAL_PROMPT", "0"))
}

/// The archives of which apt has the section main, each once or more often.
fn mirrors() -> Vec<String> {
    let list = ["indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Component: main"];
    let output = Command::new("apt-get").args(list).output();
    let lines = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    lines.lines().map(str::to_owned).collect()
}

fn sum(file: &Path) -> Option<String> {
    let output = Command::new("sha256sum").arg(file).output().ok()?;
    String::from_utf8(output.stdout).ok()?.split(' ').next().map(str::to_owned)
}

/// A folder of this name with the classes of these Java programs and of what they use of `sources`, compiled with these
/// libraries (a class path); `None`, and the test is skipped, if they cannot be compiled.
pub fn java_classes(name: &str, programs: &[PathBuf], sources: &Path, libraries: &str) -> Option<PathBuf> {
    let javac = program(&["javac"])?;
    let compile = |folder: &Path| {
        let mut compiler = Command::new(javac);
        compiler.args(["-nowarn", "-encoding", "UTF-8", "-cp", libraries, "-d"]).arg(folder);
        runs(compiler.arg("-sourcepath").arg(sources).args(programs))
    };
    installed(&Path::new(CACHE).join("java").join(name), compile).or_else(|| {
        skip(&format!("a Java compiler for {name}"));
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[ignore = "not a test: needs a checkout"]
    fn needs_a_checkout() {
        assert!(checkout("nobody/project", "0123456789").is_some());
    }

    #[test]
    fn a_checkout_that_is_there_is_not_fetched() {
        let folder = tempfile::tempdir().unwrap();
        let has_it = || {
            let mut test = Command::new(std::env::current_exe().unwrap());
            test.args(["--ignored", "--exact", "sources::tests::needs_a_checkout"]);
            test.env(HARNESSES, folder.path()).env("GIT_ALLOW_PROTOCOL", "none").env_remove(crate::SKIPS);
            runs(&mut test)
        };
        assert!(!has_it());
        std::fs::create_dir(folder.path().join("project")).unwrap();
        assert!(has_it());
    }

    #[test]
    fn the_sum_of_a_file_is_the_one_that_others_know() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "abc").unwrap();
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sum(&file).as_deref(), Some(abc));
        assert_ne!(sum(&folder.path().join("absent")).as_deref(), Some(abc));
    }
}
