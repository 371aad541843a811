//! What a mistyped word may have meant.

/// Words less alike than this (1: equal, 0: nothing in common) are no suggestion. Found by trying: `sonet`, `opuss`, `claude-sonet-4`
/// and `Grpe` are above it, unrelated words of the same length below.
const ALIKE: f64 = 0.55;

/// The words most like `word`, the best first, at most `most`. Capitals do not count.
pub(crate) fn nearest<'a>(word: &str, among: impl IntoIterator<Item = &'a str>, most: usize) -> Vec<&'a str> {
    let plain = |word: &str| word.to_lowercase().replace(['_', ' '], "-");
    let word = plain(word);
    let mut found: Vec<(f64, &str)> = among
        .into_iter()
        .map(|candidate| (strsim::normalized_damerau_levenshtein(&word, &plain(candidate)), candidate))
        .filter(|(alike, _)| *alike >= ALIKE)
        .collect();
    found.sort_by(|(one, left), (other, right)| other.total_cmp(one).then(left.cmp(right)));
    found.dedup_by(|left, right| left.1 == right.1);
    found.into_iter().take(most).map(|(_, candidate)| candidate).collect()
}
