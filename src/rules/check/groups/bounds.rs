//! The bounds of a worker group.

/// The least and the most replicas of a worker group, with the CRD's defaults.
pub(super) fn bounds(group: &crate::ray::Pod<'_>) -> (i64, i64) {
    (
        group.group_number("minReplicas", 0),
        group.group_number("maxReplicas", i64::from(i32::MAX)),
    )
}
