//! `cargo xtask bench growth`: how the tester's cost grows with cases, agents, failures, jobs, the size of messages, and
//! the number of implementations in a report.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, BufWriter, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::measure::{Cost, Measured, fresh_folder, remove_old};
use super::sizes::{self, Net};
use super::table::Table;
use super::{Common, machine, page};
use crate::install::Kits;
use crate::process::free_address;

/// The longest that one run may take.
const LIMIT: Duration = Duration::from_secs(600);
/// The functional cases, and all of the reference's.
const FUNCTIONAL: &[&str] = &["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*"];
const ALL: &[&str] = &["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*", "12.*", "13.*"];
const AGENTS: [usize; 5] = [1, 2, 4, 8, 20];
const JOBS: [usize; 5] = [1, 4, 16, 64, 256];
/// Cases of one kind: none of them waits.
const WITHOUT_WAIT: [&str; 6] = ["1.*", "2.*", "3.*", "4.*", "7.*", "10.*"];
/// So many agents run them.
const TIMES: [usize; 4] = [1, 4, 16, 32];
const IMPLEMENTATIONS: [usize; 4] = [1, 5, 10, 20];
/// Every so-manyth implementation of the report has this defect, so that there are failures to be told.
const WITH_DEFECT: usize = 4;
const DEFECT: &str = "utf8-unchecked";
/// With this one nearly every case fails.
const FATAL_DEFECT: &str = "server-masks";

/// Options of `cargo xtask bench growth`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    common: Common,
    /// Messages in each case of sections 12 and 13
    #[arg(long, value_name = "N", default_value_t = 200)]
    volume_messages: u32,
    /// How often each run is made; the one with the median of the wall times counts
    #[arg(long, value_name = "N", default_value_t = 3)]
    runs: usize,
}

impl Args {
    /// Everything, as it is measured by default.
    pub(super) fn new(common: &Common) -> Self {
        Self { common: common.clone(), volume_messages: 200, runs: 3 }
    }
}

/// Measures, prints, and writes the page if asked to.
pub(super) fn run(args: &Args) -> Result<()> {
    let kits = Kits::new(&args.common.install)?;
    kits.build_wsspec()?;
    let folder = kits.cache().join("bench/growth");
    fs::create_dir_all(&folder)?;
    let bench = Bench { args, program: kits.wsspec(), folder };
    let text = format!(
        "Measured on {}; wsspec {} ({}). Against `wsspec echo` on the same machine; {} messages in each case of \
         sections 12 and 13; {}. Ratios are to the row above all others.\n\n{}",
        machine::machine(),
        machine::revision(),
        machine::compiler(),
        args.volume_messages,
        which(args.runs),
        bench.tables()?
    );
    remove_old(&bench.folder)?;
    println!("{text}");
    if args.common.write_docs { page::write_block("growth", &text) } else { Ok(()) }
}

/// Which of so many runs counts.
fn which(runs: usize) -> String {
    match runs {
        0 | 1 => "one run of each".to_owned(),
        runs => format!("of {runs} runs the one with the median of the wall times"),
    }
}

struct Bench<'a> {
    args: &'a Args,
    program: PathBuf,
    folder: PathBuf,
}

impl Bench<'_> {
    fn tables(&self) -> Result<String> {
        let mut text = String::new();
        let mut add = |title: &str, table: Result<Table>| {
            // Writing to a string cannot fail.
            let _ = write!(text, "### {title}\n\n{}\n", table?);
            Ok::<_, anyhow::Error>(())
        };
        add(
            "With the number of cases, all of one kind: sections 1 to 4, 7 and 10, of several agents",
            self.cases(),
        )?;
        add("With the number of agents, 247 cases each", self.agents())?;
        add("With the number of agents with which nearly all of 247 cases fail", self.failing_agents())?;
        add("With the number of clients under test (`wsspec serve`)", self.clients())?;
        add("With `--jobs`, 247 cases", self.jobs())?;
        add("With the size of a message", self.sizes())?;
        let page = |command: &mut Command, folder: &Path| {
            command.arg("--html").arg(folder.join("report.html"));
        };
        add("A report in one file: implementations with 517 results each", self.reports(DEFECT, page))?;
        let all = |command: &mut Command, folder: &Path| {
            command.arg("--out").arg(folder.join("reports"));
        };
        add("All reports of them", self.reports(DEFECT, all))?;
        add("All reports, where nearly every case of every fourth fails", self.reports(FATAL_DEFECT, all))?;
        Ok(text)
    }

    fn cases(&self) -> Result<Table> {
        let mut rows = Rows::new("cases");
        for agents in TIMES {
            let cost = self.against(None, agents, &WITHOUT_WAIT)?;
            rows.add(self.lines_with("{\"t\":\"case\"")?.to_string(), &cost);
        }
        Ok(rows.table())
    }

    fn agents(&self) -> Result<Table> {
        let mut rows = Rows::new("agents");
        for agents in AGENTS {
            rows.add(agents.to_string(), &self.against(None, agents, FUNCTIONAL)?);
        }
        Ok(rows.table())
    }

    fn failing_agents(&self) -> Result<Table> {
        let mut rows = Rows::new("agents");
        for agents in AGENTS {
            let cost = self.against(Some(FATAL_DEFECT), agents, FUNCTIONAL)?;
            let failures = self.lines_with("\"verdict\":\"fail\"")?;
            rows.add(format!("{agents} ({failures} failures)"), &cost);
        }
        Ok(rows.table())
    }

    fn clients(&self) -> Result<Table> {
        let mut rows = Rows::new("clients");
        for clients in AGENTS {
            let cost = self.median(|| self.serve(clients))?;
            rows.add(format!("{clients} ({} results)", self.lines_with("{\"t\":\"case\"")?), &cost);
        }
        Ok(rows.table())
    }

    fn jobs(&self) -> Result<Table> {
        let mut rows = Rows::new("jobs");
        for jobs in JOBS {
            let jobs = jobs.to_string();
            let words = [FUNCTIONAL, &["--jobs", &jobs]].concat();
            rows.add(jobs.clone(), &self.against(None, 1, &words)?);
        }
        Ok(rows.table())
    }

    fn sizes(&self) -> Result<Table> {
        let mut nets = Vec::new();
        for loops in &sizes::LOOPS {
            let run = |case: &str, messages: usize| {
                let messages = messages.to_string();
                self.against(None, loops.agents, &[case, "--volume-messages", &messages])
            };
            let base = run(loops.base, 1)?;
            for &(case, octets) in loops.cases {
                nets.push(Net { loops, octets, cost: run(case, loops.messages)?, base });
            }
        }
        Ok(sizes::table(&nets))
    }

    fn reports(&self, defect: &str, output: impl Fn(&mut Command, &Path)) -> Result<Table> {
        let results = self.folder.join("out/results.jsonl");
        self.once(None, 1, ALL)?;
        let strict = fs::read_to_string(&results)?;
        self.once(Some(defect), 1, ALL)?;
        let wrong = fs::read_to_string(&results)?;
        let mut rows = Rows::new("implementations");
        for number in IMPLEMENTATIONS {
            let from = self.folder.join("many.jsonl");
            many(number, &strict, &wrong, &mut BufWriter::new(File::create(&from)?))?;
            let mut command = Command::new(&self.program);
            command.args(["report", "--from"]).arg(&from);
            output(&mut command, &self.folder);
            let cost = self.median(|| {
                fresh_folder(&self.folder.join("reports"))?;
                Measured::start(&command, self.args.common.nice, &self.folder.join("report.log"))?.wait(LIMIT)
            })?;
            rows.add(format!("{number} ({:.1} MiB)", fs::metadata(&from)?.len() as f64 / 1048576.0), &cost);
        }
        Ok(rows.table())
    }

    /// Lines of the record of the last run that hold these words.
    fn lines_with(&self, words: &str) -> Result<usize> {
        let mut count = 0;
        for line in BufReader::new(File::open(self.folder.join("out/results.jsonl"))?).lines() {
            count += usize::from(line?.contains(words));
        }
        Ok(count)
    }

    fn against(&self, defect: Option<&str>, agents: usize, words: &[&str]) -> Result<Cost> {
        self.median(|| self.once(defect, agents, words))
    }

    fn median(&self, run: impl Fn() -> Result<Cost>) -> Result<Cost> {
        let mut costs = (0..self.args.runs.max(1)).map(|_| run()).collect::<Result<Vec<_>>>()?;
        costs.sort_by(|one, other| one.wall.total_cmp(&other.wall));
        Ok(costs[(costs.len() - 1) / 2])
    }

    /// Tests so many clients at the same time.
    fn serve(&self, clients: usize) -> Result<Cost> {
        let (address, nice) = (free_address()?, self.args.common.nice);
        fresh_folder(&self.folder.join("out"))?;
        let mut command = Command::new(&self.program);
        command.args(["serve", "--port", &address.port().to_string()]).args(FUNCTIONAL);
        command.arg("-o").arg(self.folder.join("out"));
        let mut tester = Measured::start(&command, nice, &self.folder.join("run.log"))?;
        tester.wait_for_port(address)?;
        let client = |at: usize| {
            let mut client = Command::new(&self.program);
            client.args(["echo", "--connect", &format!("ws://{address}"), "--defect", DEFECT]);
            client.args(["--agent", &format!("lib{at:02}")]);
            Measured::start(&client, nice, &self.folder.join(format!("client{at}.log")))
        };
        let clients = (0..clients).map(client).collect::<Result<Vec<_>>>()?;
        for client in clients {
            client.wait(LIMIT)?;
        }
        tester.stop()
    }

    /// Runs cases against new endpoints: one for all agents, or one for each with a defect, as failures are tried again
    /// alone at their server.
    fn once(&self, defect: Option<&str>, agents: usize, words: &[&str]) -> Result<Cost> {
        let servers = if defect.is_some() { agents } else { 1 };
        let servers = (0..servers).map(|at| self.endpoint(defect, at)).collect::<Result<Vec<_>>>()?;
        fresh_folder(&self.folder.join("out"))?;
        let mut command = Command::new(&self.program);
        let addresses = servers.iter().map(|(address, _)| format!("ws://{address}")).cycle();
        command.arg("run").args(addresses.take(agents)).args(words);
        if !words.contains(&"--volume-messages") {
            command.args(["--volume-messages", &self.args.volume_messages.to_string()]);
        }
        command.arg("-o").arg(self.folder.join("out"));
        let nice = self.args.common.nice;
        let cost = Measured::start(&command, nice, &self.folder.join("run.log"))?.wait(LIMIT)?;
        for (_, server) in servers {
            server.stop()?;
        }
        Ok(cost)
    }

    fn endpoint(&self, defect: Option<&str>, at: usize) -> Result<(SocketAddr, Measured)> {
        let address = free_address()?;
        let mut server = Command::new(&self.program);
        server.args(["echo", &address.to_string()]).args(defect.iter().flat_map(|id| ["--defect", id]));
        let log = self.folder.join(format!("server{at}.log"));
        let mut server = Measured::start(&server, self.args.common.nice, &log)?;
        server.wait_for_port(address)?;
        Ok((address, server))
    }
}

/// Writes the results of so many implementations: copies of two runs under other names.
fn many(number: usize, strict: &str, wrong: &str, out: &mut impl Write) -> Result<()> {
    let mut run: Value = serde_json::from_str(strict.lines().next().context("the record is empty")?)?;
    let name = |at: usize| format!("lib{at:02}/1.{at}");
    let target = run["targets"][0].clone();
    let targets = (0..number).map(|at| {
        let mut target = target.clone();
        target["agent"] = json!(name(at));
        target
    });
    run["targets"] = targets.collect();
    writeln!(out, "{run}")?;
    for at in 0..number {
        let from = if at % WITH_DEFECT == 0 { wrong } else { strict };
        for line in from.lines().filter(|line| line.starts_with("{\"t\":\"case\"")) {
            let (_, rest) = line.split_once(",\"agent\":\"").context("a case has an agent")?;
            let (_, rest) = rest.split_once('"').context("an agent has a name")?;
            writeln!(out, "{{\"t\":\"case\",\"agent\":\"{}\"{rest}", name(at))?;
        }
    }
    let end = strict.lines().last().filter(|line| line.starts_with("{\"t\":\"end\""));
    writeln!(out, "{}", end.context("the run did not come to its end")?)?;
    Ok(out.flush()?)
}

/// Rows that are compared with the first.
struct Rows {
    what: &'static str,
    rows: Vec<(String, Cost)>,
}

impl Rows {
    fn new(what: &'static str) -> Self {
        Self { what, rows: Vec::new() }
    }

    fn add(&mut self, what: String, cost: &Cost) {
        println!("{} {what}: {:.2} s, {:.2} s of CPU", self.what, cost.wall, cost.cpu());
        self.rows.push((what, *cost));
    }

    fn table(&self) -> Table {
        let mut table =
            Table::new(&[self.what, "wall", "CPU", "memory", "wall, s", "CPU, s", "peak memory, MiB"]);
        let first = self.rows[0].1;
        for (what, cost) in &self.rows {
            let ratio = |one: f64, other: f64| format!("**{:.2}**", one / other.max(f64::EPSILON));
            table.row([
                what.clone(),
                ratio(cost.wall, first.wall),
                ratio(cost.cpu(), first.cpu()),
                ratio(cost.memory as f64, first.memory as f64),
                format!("{:.2}", cost.wall),
                format!("{:.2}", cost.cpu()),
                format!("{:.0}", cost.memory as f64 / f64::from(1 << 20)),
            ]);
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_run_was_called_the_one_with_the_median() {
        assert_eq!(which(1), "one run of each");
        assert_eq!(which(3), "of 3 runs the one with the median of the wall times");
    }

    #[test]
    fn copies_of_a_run_get_names_of_their_own_and_some_have_the_defect() {
        let record = |verdict: &str| {
            format!(
                "{{\"t\":\"run\",\"targets\":[{{\"agent\":\"x\",\"role\":\"server\"}}]}}\n\
                 {{\"t\":\"case\",\"agent\":\"x\",\"id\":\"1.1.1\",\"verdict\":\"{verdict}\"}}\n{{\"t\":\"end\"}}\n"
            )
        };
        let mut text = Vec::new();
        many(5, &record("pass"), &record("fail"), &mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[0]["targets"].as_array().unwrap().len(), 5);
        let told: Vec<_> = lines[1..6].iter().map(|case| (&case["agent"], &case["verdict"])).collect();
        assert_eq!(told[0], (&json!("lib00/1.0"), &json!("fail")));
        assert_eq!(told[1], (&json!("lib01/1.1"), &json!("pass")));
        assert_eq!((told[4].1, &lines[6]["t"]), (&json!("fail"), &json!("end")));
    }
}
