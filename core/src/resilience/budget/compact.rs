//! A ledger that says the same with fewer lines: who goes on where it ends needs what is open, and of what is settled only how much
//! it was and until when it counts.

use std::collections::{BTreeMap, HashMap};

use super::{Cost, LedgerEntry, Spender};

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;

/// Charges this close together count as one, at the later time. About a thousandth of the window they still matter to.
const GRAIN_HOUR_MS: u64 = 3_000;
const GRAIN_DAY_MS: u64 = 80_000;

/// Puts together what was settled for the same spender at about the same time. Nothing counts for less or shorter than before.
pub(super) fn compact(entries: Vec<LedgerEntry>) -> Vec<LedgerEntry> {
    let newest = entries.iter().filter_map(at).max().unwrap_or_default();
    let mut open: BTreeMap<u64, (Spender, Cost, Cost, u64)> = BTreeMap::new();
    let mut settled: HashMap<(Spender, u64), (u64, u64, Cost)> = HashMap::new();
    for entry in entries {
        match entry {
            LedgerEntry::Reserved { id, spender, cap, held, at_ms } => {
                open.insert(id, (spender, cap, held, at_ms));
            }
            LedgerEntry::Held { id, held } => {
                if let Some((_, _, known, _)) = open.get_mut(&id) {
                    *known = held;
                }
            }
            LedgerEntry::Settled { id, actual, at_ms } => {
                let Some((spender, ..)) = open.remove(&id) else { continue };
                let sum = settled.entry((spender, slice(newest, at_ms))).or_default();
                *sum = (sum.0.max(id), sum.1.max(at_ms), sum.2.plus(actual));
            }
        }
    }
    let mut settled: Vec<_> =
        settled.into_iter().map(|((spender, _), (id, at_ms, sum))| (at_ms, id, spender, sum)).collect();
    settled.sort_unstable_by_key(|(at_ms, id, ..)| (*at_ms, *id));
    let settled = settled.into_iter().flat_map(|(at_ms, id, spender, actual)| {
        [
            LedgerEntry::Reserved { id, spender, cap: actual, held: actual, at_ms },
            LedgerEntry::Settled { id, actual, at_ms },
        ]
    });
    let open = open.into_iter().map(|(id, (spender, cap, held, at_ms))| LedgerEntry::Reserved {
        id,
        spender,
        cap,
        held,
        at_ms,
    });
    settled.chain(open).collect()
}

fn at(entry: &LedgerEntry) -> Option<u64> {
    match entry {
        LedgerEntry::Reserved { at_ms, .. } | LedgerEntry::Settled { at_ms, .. } => Some(*at_ms),
        LedgerEntry::Held { .. } => None,
    }
}

/// The slice of time a charge falls into; different for each of them.
fn slice(newest: u64, at_ms: u64) -> u64 {
    match newest - at_ms {
        age if age <= HOUR_MS => 2 + at_ms / GRAIN_HOUR_MS * 2,
        age if age <= DAY_MS => 1 + at_ms / GRAIN_DAY_MS * 2,
        _ => 0,
    }
}
