//! Sources of other projects, from where these are published, and what their compilers make of them.

use std::path::{Path, PathBuf};
use std::process::Command;

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
    fn the_sum_of_a_file_is_the_one_that_others_know() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "abc").unwrap();
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sum(&file).as_deref(), Some(abc));
        assert_ne!(sum(&folder.path().join("absent")).as_deref(), Some(abc));
    }
}
