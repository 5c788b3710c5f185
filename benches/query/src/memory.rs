//! How much memory this process has, as Linux says.

use std::fs;

use crate::peers::Fault;

/// Resident memory now, in bytes; the peak is forgotten.
pub(crate) fn begin() -> Result<u64, Fault> {
    fs::write("/proc/self/clear_refs", "5")?;
    read("VmRSS:")
}

/// The most resident memory since [`begin`], in bytes.
pub(crate) fn peak() -> Result<u64, Fault> {
    read("VmHWM:")
}

fn read(key: &str) -> Result<u64, Fault> {
    let status = fs::read_to_string("/proc/self/status")?;
    let mut lines = status.lines().filter_map(|line| line.strip_prefix(key));
    let value = lines.next().ok_or("the kernel does not say")?;
    let kib: u64 = value.trim().trim_end_matches(" kB").parse()?;
    Ok(kib * 1024)
}
