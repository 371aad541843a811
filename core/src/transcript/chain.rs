//! The conversation in a transcript: a file holds a tree (branches that were given up, tools that ran side by side), a
//! reader wants one line of talk.
//!
//! The newest leaf is followed to its root. Tools that run side by side make the tree fork inside one answer of the model:
//! each part of the answer is an entry of its own and each result hangs on its own part. What the walk left out of such an
//! answer is put back behind its last part.

use std::collections::{HashMap, HashSet};

use super::index::{Id, Index, Kind, Node};

/// The conversation, as places in `index.nodes`.
pub(super) fn conversation(index: &Index) -> Vec<usize> {
    let Some(leaf) = leaf(index) else { return Vec::new() };
    let chain = to_root(index, leaf);
    with_parallel_calls(index, chain)
}

/// The conversation of a subagent: from its last message to its root.
pub(super) fn of_subagent(index: &Index) -> Vec<usize> {
    let talks = |node: &Node| matches!(node.kind, Kind::User | Kind::Assistant);
    index.nodes.iter().rposition(talks).map(|leaf| to_root(index, leaf)).unwrap_or_default()
}

fn to_root(index: &Index, leaf: usize) -> Vec<usize> {
    let (mut chain, mut seen) = (Vec::new(), HashSet::new());
    let mut next = Some(leaf);
    while let Some(at) = next {
        let node = &index.nodes[at];
        if !seen.insert(node.id) {
            break;
        }
        chain.push(at);
        next = index.parent(node);
    }
    chain.reverse();
    chain
}

/// The newest message that nothing follows, one of the main conversation before any other.
fn leaf(index: &Index) -> Option<usize> {
    let parents: HashSet<Id> = index.nodes.iter().filter_map(|node| node.parent).collect();
    let (mut best, mut aside) = (None, None);
    // What was walked from one end need not be walked from another.
    let mut walked = HashSet::new();
    for (at, end) in index.nodes.iter().enumerate().filter(|(_, node)| !parents.contains(&node.id)) {
        let mut next = Some(if index.at.get(&end.id) == Some(&at) { at } else { continue });
        while let Some(at) = next {
            let node = &index.nodes[at];
            if matches!(node.kind, Kind::User | Kind::Assistant) {
                let slot = if node.aside { &mut aside } else { &mut best };
                *slot = (*slot).max(Some(at));
                break;
            }
            next = walked.insert(at).then(|| index.parent(node)).flatten();
        }
    }
    best.or(aside)
}

fn with_parallel_calls(index: &Index, chain: Vec<usize>) -> Vec<usize> {
    let on_chain: HashSet<usize> = chain.iter().copied().collect();
    // Where each answer of the model ends on the chain.
    let mut ends: HashMap<Id, usize> = HashMap::new();
    for &at in &chain {
        if let Some(message) = index.nodes[at].message {
            ends.insert(message, at);
        }
    }
    let answers = Answers::of(index, &ends);
    let mut answered: HashSet<Id> = chain
        .iter()
        .map(|at| &index.nodes[*at])
        .filter(|node| node.kind == Kind::User)
        .flat_map(|node| node.calls.iter().copied())
        .collect();
    let mut taken = on_chain.clone();
    let mut whole = Vec::with_capacity(chain.len());
    for at in chain {
        whole.push(at);
        let Some(message) = index.nodes[at].message.filter(|message| ends.get(message) == Some(&at)) else {
            continue;
        };
        let parts = answers.parts.get(&message).map_or(&[][..], Vec::as_slice);
        let mut left_out: Vec<usize> = parts.iter().copied().filter(|part| taken.insert(*part)).collect();
        left_out.sort_by_key(|part| index.nodes[*part].moment);
        let mut results = Vec::new();
        let (mut own, mut stray) = (Vec::new(), Vec::new());
        for &part in parts {
            for &result in answers.results.get(&index.nodes[part].id).map_or(&[][..], Vec::as_slice) {
                if taken.contains(&result) || own.contains(&result) || stray.contains(&result) {
                    continue;
                }
                let hangs_here =
                    index.parent(&index.nodes[result]).is_some_and(|parent| parts.contains(&parent));
                if hangs_here { own.push(result) } else { stray.push(result) }
            }
        }
        stray.sort_unstable();
        for result in own.into_iter().chain(stray) {
            let node = &index.nodes[result];
            let hangs_here = index.parent(node).is_some_and(|parent| parts.contains(&parent));
            let opens = |call: &Id| {
                !answered.contains(call) && answers.owners.get(call).copied().flatten() == Some(message)
            };
            if hangs_here || node.calls.iter().any(opens) {
                answered.extend(node.calls.iter().copied());
                taken.insert(result);
                results.push(result);
            }
        }
        results.sort_by_key(|result| index.nodes[*result].moment);
        whole.extend(left_out);
        whole.extend(results);
    }
    whole
}

/// The parts of each answer of the model, and the results that may belong to each part.
#[derive(Default)]
struct Answers {
    parts: HashMap<Id, Vec<usize>>,
    /// Which answer made a call. Two answers that claim one call own it neither.
    owners: HashMap<Id, Option<Id>>,
    /// By the assistant entry.
    results: HashMap<Id, Vec<usize>>,
}

impl Answers {
    /// Only of the answers in `wanted`.
    fn of(index: &Index, wanted: &HashMap<Id, usize>) -> Self {
        let mut answers = Self::default();
        let mut caller: HashMap<Id, usize> = HashMap::new();
        let current = |at: usize, node: &Node| index.at.get(&node.id) == Some(&at);
        for (at, node) in index.nodes.iter().enumerate().filter(|(at, node)| current(*at, node)) {
            let Some(message) = node.message else { continue };
            if wanted.contains_key(&message) {
                answers.parts.entry(message).or_default().push(at);
            }
            for call in &node.calls {
                let owner = answers.owners.entry(*call).or_insert(Some(message));
                if *owner != Some(message) {
                    *owner = None;
                }
                caller.insert(*call, at);
            }
        }
        for (at, node) in index.nodes.iter().enumerate().filter(|(at, node)| current(*at, node)) {
            let Some(parent) = node.parent.filter(|_| node.kind == Kind::User && !node.calls.is_empty())
            else {
                continue;
            };
            let by_same = |other: usize| {
                let other = &index.nodes[other];
                (other.sidechain == node.sidechain && other.agent == node.agent).then_some(other.id)
            };
            let source = node.source.and_then(|source| index.at.get(&source)).and_then(|at| by_same(*at));
            let called = node.calls.iter().filter_map(|call| {
                answers.owners.get(call).copied().flatten()?;
                by_same(*caller.get(call)?)
            });
            let belongs: HashSet<Id> = [Some(parent), source].into_iter().flatten().chain(called).collect();
            for id in belongs {
                answers.results.entry(id).or_default().push(at);
            }
        }
        answers
    }
}
