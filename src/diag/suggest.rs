//! "Did you mean": the candidate nearest to a misspelt name.

/// Longer names are not compared: the distance costs the product of both lengths.
const LONGEST: usize = 80;

/// The candidate that was probably meant, if one is near enough: at most a third of the name's letters differ (two
/// swapped letters count once), or only case, `-` and `_` do. Of equally near ones the first wins.
pub fn suggest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.is_empty() || name.len() > LONGEST {
        return None;
    }
    let folded = fold(name);
    let most = folded.chars().count().max(3) / 3;
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= LONGEST)
        .map(|candidate| (strsim::damerau_levenshtein(&folded, &fold(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= most && *distance < candidate.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The letters that tell names apart across camelCase, snake_case and kebab-case.
fn fold(name: &str) -> String {
    name.chars()
        .filter(|c| !matches!(c, '-' | '_'))
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 6] = [
        "ttlSecondsAfterFinished",
        "shutdownAfterJobFinishes",
        "size",
        "min",
        "max",
        "priorityClassName",
    ];

    #[test]
    fn near_names_are_found() {
        assert_eq!(
            suggest("ttlSecondAfterFinished", NAMES),
            Some("ttlSecondsAfterFinished")
        );
        assert_eq!(
            suggest("ttl_seconds_after_finished", NAMES),
            Some("ttlSecondsAfterFinished")
        );
        assert_eq!(suggest("PriorityClassname", NAMES), Some("priorityClassName"));
        assert_eq!(suggest("szie", NAMES), Some("size"));
        assert_eq!(suggest("mux", NAMES), Some("max"));
    }

    #[test]
    fn far_names_are_not() {
        assert_eq!(suggest("replicas", NAMES), None);
        assert_eq!(suggest("", NAMES), None);
        assert_eq!(suggest("a", ["b"]), None);
        assert_eq!(suggest(&"size".repeat(1000), NAMES), None);
    }

    #[test]
    fn ties_go_to_the_first() {
        assert_eq!(suggest("mix", ["max", "min"]), Some("max"));
        assert_eq!(suggest("mix", ["min", "max"]), Some("min"));
    }
}
