//! What the system says about processes: who lives, and who belongs to whom.

use std::{
    fs,
    time::{Duration, Instant},
};

/// A process, told apart from a later one that got the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its number.
    pub pid: u32,
    started: u64,
}

impl Known {
    /// The process with this number, if it lives.
    pub fn find(pid: u32) -> Option<Self> {
        let stat = stat(pid)?;
        (stat.state != 'Z').then_some(Self { pid, started: stat.started })
    }

    /// Whether it still lives. One that ended and was not yet collected does not.
    pub fn lives(self) -> bool {
        Self::find(self.pid) == Some(self)
    }

    /// It and everything that descends from it.
    pub fn tree(self) -> Vec<Self> {
        let all: Vec<(Self, u32)> = fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter_map(|pid| Some((Self { pid, started: stat(pid)?.started }, stat(pid)?.parent)))
            .collect();
        let mut tree = vec![self];
        let mut next = 0;
        while let Some(parent) = tree.get(next).copied() {
            tree.extend(all.iter().filter(|(_, of)| *of == parent.pid).map(|(child, _)| *child));
            next += 1;
        }
        tree
    }
}

/// All processes in whose environment a variable has this value.
pub fn with_variable(name: &str, value: &str) -> Vec<Known> {
    let wanted = format!("{name}={value}");
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid| {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes())
        })
        .filter_map(Known::find)
        .collect()
}

/// Waits until none of them lives and says how long that took; fails when it takes longer than `limit`.
pub fn gone(what: &str, processes: &[Known], since: Instant, limit: Duration) -> Duration {
    loop {
        let living: Vec<u32> =
            processes.iter().filter(|process| process.lives()).map(|process| process.pid).collect();
        let took = since.elapsed();
        if living.is_empty() {
            return took;
        }
        assert!(took <= limit, "{what}: {living:?} live after {took:?}, the limit is {limit:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

struct Stat {
    state: char,
    parent: u32,
    started: u64,
}

fn stat(pid: u32) -> Option<Stat> {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in brackets, may hold anything: the fields follow the last bracket.
    let fields: Vec<&str> = line.rsplit_once(") ")?.1.split(' ').collect();
    Some(Stat {
        state: fields.first()?.chars().next()?,
        parent: fields.get(1)?.parse().ok()?,
        started: fields.get(19)?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_child_belongs_to_the_tree_until_it_is_gone() {
        let me = Known::find(std::process::id()).unwrap();
        let mark = std::process::id().to_string();
        let mut child = Command::new("sleep").arg("60").env("MADRIGAL_TEST_MARK", &mark).spawn().unwrap();
        let known = Known::find(child.id()).unwrap();
        assert!(known.lives() && me.tree().contains(&known));
        assert_eq!(with_variable("MADRIGAL_TEST_MARK", &mark), [known]);
        child.kill().unwrap();
        gone("the child", &[known], Instant::now(), Duration::from_secs(10));
        child.wait().unwrap();
        assert!(!known.lives());
    }
}
