//! What processes use, from the proc file system.

use std::fs;

use bench_peers::Failure;

/// Seconds of processor time of this process.
pub fn own_cpu() -> Result<f64, Failure> {
    cpu(std::process::id())
}

/// Seconds of processor time of all threads of a process.
pub fn cpu(process: u32) -> Result<f64, Failure> {
    let mut nanoseconds = 0;
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        let statistics = fs::read_to_string(thread?.path().join("schedstat"))?;
        nanoseconds += statistics.split(' ').next().ok_or("no figures")?.parse::<u64>()?;
    }
    Ok(nanoseconds as f64 / 1e9)
}

/// Resident memory of a process in octets.
pub fn resident(process: u32) -> Result<u64, Failure> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no figure")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? << 10)
}
