//! The pace of the keeper.

use super::*;

mod faults;

#[test]
fn failures_are_retried_ever_more_slowly_and_at_last_steadily() {
    let seconds = |failures| backoff(failures).as_secs_f64();
    assert!((0.75..=1.0).contains(&seconds(1)));
    assert!((1.5..=2.0).contains(&seconds(2)));
    for failures in [6, 40, u32::MAX] {
        assert!((22.5..=30.0).contains(&seconds(failures)), "{failures}");
    }
}

#[test]
fn replicas_do_not_act_in_step() {
    let pauses: std::collections::BTreeSet<_> = (0..100).map(|_| spread(Duration::from_secs(10))).collect();
    assert!(pauses.len() > 50, "{pauses:?}");
}

#[test]
fn the_pace_leaves_time_to_renew() {
    for life in [SHORTEST_LIFE, Duration::from_secs(60), Duration::from_secs(90 * 86_400)] {
        let Pace { period, settle } = Pace::of(life);
        assert!(period + settle < life / 3 / 2, "{life:?}");
        assert!(
            period <= Duration::from_secs(15),
            "a change must be seen within a minute"
        );
    }
}
