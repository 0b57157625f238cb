//! Installs the reference suite and the peers from their registries, at pinned versions, into the cache.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::bench::SOCKETIFY;
use crate::process::run;
use crate::{repository, target_folder};

/// Where things are installed, and from what.
#[derive(Clone, clap::Args)]
pub(crate) struct InstallArgs {
    /// An existing installation of the reference (a Python 2.7 environment with bin/wstest)
    #[arg(long, value_name = "DIR")]
    reference_dir: Option<PathBuf>,
    /// CPython 2.7, which the reference needs [default: python2.7, or one that pyenv has installed]
    #[arg(long, value_name = "PROGRAM")]
    python27: Option<PathBuf>,
    /// Where installations and the reference's results are kept [default: parity in cargo's target folder]
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// This build of wsspec [default: a release build, which is made]
    #[arg(long, value_name = "PROGRAM")]
    wsspec: Option<PathBuf>,
}

/// What a peer needs installed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kit {
    /// Our scripts on Python websockets.
    Python,
    /// Our scripts on Node ws.
    Node,
    /// Our script on the WebSocket class of Node itself.
    NodeItself,
    /// The same in headless Chromium, which our script starts.
    Chromium,
    /// Our programs on Rust libraries.
    Rust,
    /// The reference suite, whose testee is a peer as well.
    Reference,
    /// wsspec itself: its endpoint is a peer as well.
    Wsspec,
}

impl Kit {
    /// The version of the system's program that this kit is.
    pub(crate) fn system_version(self) -> Result<String> {
        let program = if self == Self::Chromium { "chromium" } else { "node" };
        let out = Command::new(program)
            .arg("--version")
            .output()
            .with_context(|| format!("there is no {program}"))?;
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        let is_version = |word: &&str| word.trim_start_matches('v').starts_with(|c: char| c.is_ascii_digit());
        let version = text.split_whitespace().find(is_version);
        version.map(str::to_owned).with_context(|| format!("{program} does not tell its version"))
    }
}

/// The reference and what it ran on when it was released last: later versions of these break it.
const REFERENCE: &[&str] = &["autobahn==0.10.9", "autobahntestsuite==25.10.1"];
const REFERENCE_BUILD_BASE: &[&str] = &[
    "setuptools==44.0.0",
    "incremental==16.10.1",
    "Twisted==19.10.0",
    "zope.interface==4.6.0",
    "txaio==2.1.0",
    "six==1.16.0",
    "wsaccel==0.6.2",
    "ujson==2.0.3",
];
const REFERENCE_LIBRARIES: &[&str] = &[
    "pyOpenSSL==19.1.0",
    "cryptography==3.3.2",
    "service_identity==18.1.0",
    "idna==2.10",
    "attrs==21.4.0",
    "jinja2==2.11.3",
    "markupsafe==1.1.1",
    "Werkzeug==1.0.1",
    "klein==17.10.0",
    "unittest2==1.1.0",
];

/// DEFLATE libraries that are timed beside ours.
const COMPRESSION: &[&str] = &["zlib-ng==1.1.0", "isal==1.9.1", "deflate==0.9.0"];

/// The installations in the cache folder.
pub(crate) struct Kits {
    cache: PathBuf,
    python27: PathBuf,
    reference: Option<PathBuf>,
    wsspec: Option<PathBuf>,
}

impl Kits {
    /// Kits in the cache folder, which is made.
    pub(crate) fn new(args: &InstallArgs) -> Result<Self> {
        let cache = args.cache.clone().unwrap_or_else(|| target_folder().join("parity"));
        fs::create_dir_all(&cache).with_context(|| format!("cannot make {}", cache.display()))?;
        let python27 = args.python27.clone().unwrap_or_else(find_python27);
        let reference = args.reference_dir.as_deref().map(fs::canonicalize).transpose();
        let reference = reference.context("there is nothing at --reference-dir")?;
        let wsspec = args.wsspec.as_deref().map(fs::canonicalize).transpose();
        let wsspec = wsspec.context("there is no program at --wsspec")?;
        Ok(Self { cache: cache.canonicalize()?, python27, reference, wsspec })
    }

    /// The folder for results and installations.
    pub(crate) fn cache(&self) -> &Path {
        &self.cache
    }

    /// Builds wsspec as it is released, unless a program was given.
    pub(crate) fn build_wsspec(&self) -> Result<()> {
        if self.wsspec.is_some() {
            return Ok(());
        }
        let arguments = ["build", "--quiet", "--release", "--package", "wsspec", "--bin", "wsspec"];
        run(Command::new("cargo").args(arguments).current_dir(repository()))
    }

    /// The program wsspec.
    pub(crate) fn wsspec(&self) -> PathBuf {
        self.wsspec.clone().unwrap_or_else(|| target_folder().join("release/wsspec"))
    }

    /// Installs `kit` unless that has been done, and always the reference.
    pub(crate) fn install(&self, kit: Kit) -> Result<()> {
        self.install_reference()?;
        match kit {
            Kit::Python => self.install_python(),
            Kit::Node => self.install_node(),
            Kit::Rust => self.install_rust(),
            Kit::NodeItself => node_has_websocket(),
            Kit::Chromium => kit.system_version().map(|_| ()),
            Kit::Reference => Ok(()),
            Kit::Wsspec => self.build_wsspec(),
        }
    }

    /// The command that starts `name` of `kit`, ready for its arguments.
    pub(crate) fn program(&self, kit: Kit, name: &str) -> Command {
        match kit {
            Kit::Python => {
                let mut command = Command::new(self.folder("python").join("bin/python"));
                command.arg(peer_sources("python").join(name));
                command
            }
            Kit::NodeItself | Kit::Chromium => {
                let mut command = Command::new("node");
                command.arg(NODE_WEBSOCKET).arg(peer_sources("node").join(name));
                command
            }
            Kit::Node => {
                let mut command = Command::new("node");
                command.arg(peer_sources("node").join(name));
                command.env("NODE_PATH", self.folder("node").join("node_modules"));
                command
            }
            Kit::Rust => Command::new(self.folder("rust").join("debug").join(name)),
            Kit::Reference => self.wstest(name, None),
            Kit::Wsspec => {
                let mut command = Command::new(self.wsspec());
                command.arg(name);
                command
            }
        }
    }

    /// The reference in `mode`, with so many messages in each case of sections 12 and 13.
    pub(crate) fn wstest(&self, mode: &str, messages: Option<u32>) -> Command {
        let programs = self.reference_folder().join("bin");
        let mut command = match messages {
            None => Command::new(programs.join("wstest")),
            Some(messages) => {
                let mut command = Command::new(programs.join("python"));
                command.arg(peer_sources("reference").join("few-messages.py")).arg(messages.to_string());
                command
            }
        };
        command.args(["-m", mode]);
        command
    }

    /// Builds the echo servers and the load generator of the benchmarks, and installs uWebSockets.
    pub(crate) fn install_bench_peers(&self) -> Result<()> {
        let folder = self.folder("socketify");
        once(&folder, SOCKETIFY, || {
            run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
            pip_install(&folder, &["--no-deps"], &[SOCKETIFY])
        })?;
        run(Command::new("cargo")
            .args(["build", "--quiet", "--locked", "--release", "--manifest-path"])
            .arg(peer_sources("bench").join("Cargo.toml"))
            .env("CARGO_TARGET_DIR", self.bench_peers()))
    }

    /// The program that times other DEFLATE libraries.
    pub(crate) fn compression_libraries(&self) -> Result<Command> {
        let folder = self.folder("compression");
        once(&folder, &COMPRESSION.join(" "), || {
            run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
            pip_install(&folder, &["--only-binary=:all:"], COMPRESSION)
        })?;
        let mut command = Command::new(folder.join("bin/python"));
        command.arg(peer_sources("python").join("compression.py"));
        Ok(command)
    }

    /// Where cargo puts the programs of the benchmarks.
    pub(crate) fn bench_peers(&self) -> PathBuf {
        self.folder("bench")
    }

    /// The library with uWebSockets.
    pub(crate) fn socketify_library(&self) -> Result<PathBuf> {
        let versions = fs::read_dir(self.folder("socketify").join("lib"))?;
        let packages = versions.flatten().map(|version| version.path().join("site-packages/socketify"));
        let mut libraries = packages.map(|package| package.join("libsocketify_linux_amd64.so"));
        libraries.find(|library| library.exists()).context("socketify has no library for this system")
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.cache.join("install").join(name)
    }

    fn reference_folder(&self) -> PathBuf {
        self.reference.clone().unwrap_or_else(|| self.folder("reference"))
    }

    fn install_reference(&self) -> Result<()> {
        let folder = self.reference_folder();
        if self.reference.is_some() {
            let wstest = folder.join("bin/wstest");
            return if wstest.exists() { Ok(()) } else { bail!("there is no {}", wstest.display()) };
        }
        once(&folder, &[REFERENCE, REFERENCE_BUILD_BASE, REFERENCE_LIBRARIES].concat().join(" "), || {
            let bootstrap = self.folder("virtualenv");
            let python = || Command::new(&self.python27);
            run(python()
                .args(["-m", "pip", "install", "-q", "--target"])
                .arg(&bootstrap)
                .arg("virtualenv==20.15.1"))
            .context("the reference needs CPython 2.7 with pip; name it with --python27")?;
            run(python().args(["-m", "virtualenv", "-q"]).arg(&folder).env("PYTHONPATH", &bootstrap))?;
            for packages in [REFERENCE_BUILD_BASE, REFERENCE_LIBRARIES] {
                pip_install(&folder, &[], packages)?;
            }
            // Its own metadata asks for versions that no longer work together.
            pip_install(&folder, &["--no-deps"], REFERENCE)
        })
    }

    fn install_python(&self) -> Result<()> {
        let folder = self.folder("python");
        let requirements = peer_sources("python").join("requirements.txt");
        once(&folder, &fs::read_to_string(&requirements)?, || {
            run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
            pip_install(&folder, &["--requirement"], &[requirements.as_os_str()])
        })
    }

    fn install_node(&self) -> Result<()> {
        let folder = self.folder("node");
        let manifest = fs::read_to_string(peer_sources("node").join("package.json"))?;
        once(&folder, &manifest, || {
            fs::create_dir_all(&folder)?;
            fs::write(folder.join("package.json"), &manifest)?;
            run(Command::new("npm")
                .args(["install", "--silent", "--no-audit", "--no-fund"])
                .current_dir(&folder))
        })
    }

    fn install_rust(&self) -> Result<()> {
        // Cargo knows itself what is up to date.
        run(Command::new("cargo")
            .args(["build", "--quiet", "--locked", "--manifest-path"])
            .arg(peer_sources("rust").join("Cargo.toml"))
            .env("CARGO_TARGET_DIR", self.folder("rust")))
    }
}

/// A CPython 2.7 that works: a shim on the path may only say that none is chosen.
fn find_python27() -> PathBuf {
    let on_path = PathBuf::from("python2.7");
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let pyenv = fs::read_dir(home.join(".pyenv/versions")).into_iter().flatten().flatten();
    let installed = pyenv.filter(|entry| entry.file_name().to_string_lossy().starts_with("2.7."));
    let mut candidates =
        std::iter::once(on_path.clone()).chain(installed.map(|entry| entry.path().join("bin/python")));
    let works = |program: &PathBuf| {
        Command::new(program).arg("--version").output().is_ok_and(|out| out.status.success())
    };
    candidates.find(works).unwrap_or(on_path)
}

/// Node 20 has its WebSocket behind a flag; later ones take the flag and ignore it.
const NODE_WEBSOCKET: &str = "--experimental-websocket";

fn node_has_websocket() -> Result<()> {
    run(Command::new("node").args([
        NODE_WEBSOCKET,
        "-e",
        "new WebSocket('ws://127.0.0.1:1').onerror = () => {}",
    ]))
    .context("it needs Node 20 or later")
}

/// Runs `install`, which fills `folder` with `packages`, unless it has done so before.
fn once(folder: &Path, packages: &str, install: impl FnOnce() -> Result<()>) -> Result<()> {
    let done = folder.join("installed");
    if fs::read_to_string(&done).is_ok_and(|installed| installed == packages) {
        return Ok(());
    }
    if folder.exists() {
        fs::remove_dir_all(folder)?; // other versions, or an installation that broke off
    }
    install()?;
    Ok(fs::write(done, packages)?)
}

fn pip_install(environment: &Path, options: &[&str], packages: &[impl AsRef<OsStr>]) -> Result<()> {
    let mut command = Command::new(environment.join("bin/python"));
    command.args(["-m", "pip", "install", "-q"]).args(options).args(packages);
    run(command.env("PIP_DISABLE_PIP_VERSION_CHECK", "1").env("PIP_NO_PYTHON_VERSION_WARNING", "1"))
}

fn peer_sources(language: &str) -> PathBuf {
    repository().join("peers").join(language)
}
