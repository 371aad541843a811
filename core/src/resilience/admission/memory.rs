//! Whether there is memory for one more program. A program takes some 100 MB (measured: 100 to 112 MB of its own and its share of what is
//! common, Claude Code 2.1.330); one too many and the system kills somebody.

use std::{fs, path::Path, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    Result,
    resilience::{Moment, reading::invalid},
};

/// How long a reading holds, and how soon one who waits for memory looks again.
const READING: Duration = Duration::from_millis(250);

/// When memory is too short to start another program: one that would leave less than `min_available_mb` has to wait.
///
/// What is available is what the system says (`MemAvailable` of `/proc/meminfo`), or what is left to the control group (version 2) of this process,
/// whichever is less; it is read at most four times a second. Only on Linux; elsewhere the setting is refused.
///
/// ```
/// # #[cfg(target_os = "linux")] {
/// use madrigal::resilience::AdmissionConfig;
/// let config = AdmissionConfig::from_json(r#"{"memory": {"min_available_mb": 2048}}"#).unwrap();
/// assert_eq!(config.memory.unwrap().run_mb, 150);
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MemoryLimit {
    /// What must be left when one more program runs, in MB (2^20 bytes). Default 1024.
    pub min_available_mb: u64,
    /// What a program is taken to need that was let in and has not said that it is ready. Default 150.
    pub run_mb: u64,
}

impl Default for MemoryLimit {
    fn default() -> Self {
        Self { min_available_mb: 1_024, run_mb: 150 }
    }
}

impl MemoryLimit {
    pub(super) fn validate(&self) -> Result<()> {
        if !cfg!(target_os = "linux") {
            return Err(invalid("admission.memory", "available memory is only known on Linux"));
        }
        if self.min_available_mb == 0 || self.run_mb == 0 {
            return Err(invalid("admission.memory", "expected min_available_mb and run_mb of at least 1"));
        }
        Ok(())
    }
}

/// Tells how many MB are available; `None`: nobody knows.
type Read = Box<dyn Fn() -> Option<u64> + Send>;

pub(super) struct Memory {
    limit: MemoryLimit,
    read: Read,
    known: Option<(Moment, Option<u64>)>,
    /// How many the reading does not know in full: those that were starting then, and those let in since.
    unknown: u64,
}

impl Memory {
    pub(super) fn new(limit: MemoryLimit) -> Self {
        Self::with(limit, Box::new(available_mb))
    }

    pub(super) fn with(limit: MemoryLimit, read: Read) -> Self {
        Self { limit, read, known: None, unknown: 0 }
    }

    /// When to look again, when there is no memory for one more while so many are starting.
    pub(super) fn short(&mut self, starting: u32, now: Moment) -> Option<Moment> {
        let stale = self.known.is_none_or(|(at, _)| at + READING <= now);
        if stale {
            self.known = Some((now, (self.read)()));
            self.unknown = starting.into();
        }
        let (at, available) = self.known?;
        let coming = (self.unknown + 1).saturating_mul(self.limit.run_mb);
        let enough = available? >= self.limit.min_available_mb.saturating_add(coming);
        (!enough).then(|| at + READING)
    }

    pub(super) fn taken(&mut self) {
        self.unknown += 1;
    }
}

/// What can be had without swapping, by the system and by the control groups this process is in.
fn available_mb() -> Option<u64> {
    let system = fs::read_to_string("/proc/meminfo").ok().and_then(|text| meminfo(&text));
    let groups = fs::read_to_string("/proc/self/cgroup").ok().and_then(|text| {
        let path = text.lines().find_map(|line| line.strip_prefix("0::/"))?.to_owned();
        group(Path::new("/sys/fs/cgroup"), &path)
    });
    system.into_iter().chain(groups).min()
}

fn meminfo(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kilobytes| kilobytes / 1_024)
}

/// The least that is left in a group and those around it. What the kernel would give back at once (files that were not used for a while) is left.
fn group(root: &Path, path: &str) -> Option<u64> {
    let inner = root.join(path);
    inner
        .ancestors()
        .take_while(|group| group.starts_with(root))
        .filter_map(|group| {
            let number = |name: &str| fs::read_to_string(group.join(name)).ok()?.trim().parse::<u64>().ok();
            let (max, current) = (number("memory.max")?, number("memory.current")?);
            let stat = fs::read_to_string(group.join("memory.stat")).unwrap_or_default();
            let files =
                stat.lines().find_map(|line| line.strip_prefix("inactive_file ")?.parse::<u64>().ok());
            Some(max.saturating_sub(current.saturating_sub(files.unwrap_or_default())) >> 20)
        })
        .min()
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    };

    use super::*;
    use crate::resilience::chance::Chance;

    #[test]
    fn what_the_system_says_is_read() {
        assert_eq!(meminfo("MemTotal: 100 kB\nMemAvailable:  2097152 kB\n"), Some(2_048));
        assert_eq!(meminfo("MemTotal: 100 kB\n"), None);
        #[cfg(target_os = "linux")]
        assert!(available_mb().is_some_and(|megabytes| megabytes > 0));
    }

    #[test]
    fn the_tightest_group_counts() {
        let root = std::env::temp_dir().join(format!("madrigal-groups-{}", uuid::Uuid::new_v4().simple()));
        let inner = root.join("a/b");
        fs::create_dir_all(&inner).unwrap();
        let write = |group: &Path, max: &str, current: u64, files: u64| {
            fs::write(group.join("memory.max"), format!("{max}\n")).unwrap();
            fs::write(group.join("memory.current"), format!("{}\n", current << 20)).unwrap();
            fs::write(group.join("memory.stat"), format!("anon 1\ninactive_file {}\n", files << 20)).unwrap();
        };
        write(&inner, "max", 10, 0);
        assert_eq!(group(&root, "a/b"), None, "no limit at all");
        write(&root.join("a"), &(1_000_u64 << 20).to_string(), 900, 50);
        assert_eq!(group(&root, "a/b"), Some(150));
        write(&inner, &(100_u64 << 20).to_string(), 200, 0);
        assert_eq!(group(&root, "a/b"), Some(0));
        fs::remove_dir_all(root).unwrap();
    }

    /// M1: programs that take no more than `run_mb`, slowly, never leave less than the limit. M2: when there is room, one may start
    /// as soon as the next reading.
    #[test]
    fn memory_never_falls_below_the_limit() {
        for seed in 0..100 {
            let mut chance = Chance::seeded(seed);
            let free = Arc::new(AtomicU64::new(4_000));
            let seen = Arc::clone(&free);
            let limit = MemoryLimit { min_available_mb: 1_000, run_mb: 150 };
            let mut memory = Memory::with(limit, Box::new(move || Some(seen.load(Ordering::Relaxed))));
            let (mut starting, mut running, mut now) = (0_u32, 0_u64, 0);
            for step in 0..3_000 {
                now += chance.up_to(50_000_000);
                match chance.up_to(3) {
                    // Only one that is ready has all its memory.
                    0 if starting > 0 => {
                        starting -= 1;
                        running += 1;
                        free.fetch_sub(150, Ordering::Relaxed);
                    }
                    1 if running > 0 && chance.one_in(4) => {
                        running -= 1;
                        free.fetch_add(150, Ordering::Relaxed);
                    }
                    _ => {
                        let moment = Moment::from_nanos(now);
                        match memory.short(starting, moment) {
                            None => {
                                starting += 1;
                                memory.taken();
                            }
                            Some(again) => {
                                assert!(
                                    again > moment && again <= moment + READING,
                                    "seed {seed} step {step}"
                                );
                                now = again.nanos();
                            }
                        }
                    }
                }
                let left = free.load(Ordering::Relaxed) - u64::from(starting) * 150;
                assert!(left >= 1_000, "seed {seed} step {step}: {left}");
            }
            assert!(running + u64::from(starting) > 10, "seed {seed}: the room is used");
        }
    }

    #[test]
    fn where_nobody_knows_nobody_waits() {
        let mut memory = Memory::with(MemoryLimit::default(), Box::new(|| None));
        assert_eq!(memory.short(100, Moment::ZERO), None);
    }
}
