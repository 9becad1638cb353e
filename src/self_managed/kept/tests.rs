//! The life of a Secret, by a clock of the tests' own.

use super::*;

const NOW: i64 = 1_790_000_000;
const DAY: i64 = 86_400;

fn wanted() -> Wanted {
    let [service, namespace] = ["raygate", "raygate-system"].map(|name| name.parse().unwrap());
    Wanted {
        names: crate::certs::service_names(&service, &namespace),
        dialled: "raygate.raygate-system.svc".to_owned(),
        ca_life: 360 * DAY,
        certificate_life: 90 * DAY,
    }
}

fn read(contents: &Contents, now: i64) -> Result<Kept, String> {
    let get = |key: &str| contents.data.get(key).map(Vec::as_slice);
    Kept::read(get, contents.former_until, &wanted(), now)
}

fn step_at(contents: &Contents, now: i64) -> Option<Step> {
    read(contents, now).unwrap().due(now, true).map(|due| due.step)
}

fn first() -> Contents {
    replace(&wanted(), NOW, &[], 0).unwrap()
}

#[test]
fn a_new_pair_serves_and_nothing_is_due() {
    let contents = first();
    assert_eq!(contents.made, ["ca", "serving"]);
    let kept = read(&contents, NOW).unwrap();
    assert_eq!(kept.due(NOW, true), None);
    assert!(!kept.has_former_cas());
    let pair = kept.pair.as_ref().unwrap();
    assert_eq!(pair.not_after, NOW + 90 * DAY);
    pair.trusted_by(kept.bundle().as_bytes(), "raygate.raygate-system.svc", NOW)
        .unwrap();
    assert!(
        pair.trusted_by(kept.bundle().as_bytes(), "other.raygate-system.svc", NOW)
            .is_err()
    );
}

#[test]
fn a_certificate_is_renewed_with_a_third_of_its_life_left() {
    let contents = first();
    assert_eq!(step_at(&contents, NOW + 60 * DAY - 1), None);
    assert_eq!(step_at(&contents, NOW + 60 * DAY), Some(Step::Renew));
    let now = NOW + 60 * DAY;
    assert_eq!(read(&contents, NOW).unwrap().due_at(), now);
    let renewed = read(&contents, now).unwrap().step(Step::Renew, &wanted(), now).unwrap();
    let (old, new) = (read(&contents, now).unwrap(), read(&renewed, now).unwrap());
    assert_eq!(new.bundle(), old.bundle(), "the CA stays");
    assert_eq!(new.pair.unwrap().not_after, now + 90 * DAY);
}

/// The clock was set forward, or the machine slept, past the end of the certificate.
#[test]
fn a_certificate_that_has_ended_meanwhile_is_renewed() {
    assert_eq!(step_at(&first(), NOW + 100 * DAY), Some(Step::Renew));
    let error = read(&first(), NOW + 400 * DAY).map(drop).unwrap_err();
    assert!(error.contains("ended"), "{error}");
}

#[test]
fn a_former_ca_is_trusted_until_its_last_certificate_has_ended() {
    let mut contents = first();
    let mut now = NOW;
    // Renewed on time until the CA's own turn comes.
    while step_at(&contents, now) != Some(Step::Replace) {
        if let Some(step) = step_at(&contents, now) {
            contents = read(&contents, now).unwrap().step(step, &wanted(), now).unwrap();
        }
        now += DAY;
        assert!(now < NOW + 360 * DAY, "the CA is never replaced");
    }
    assert_eq!(now, NOW + 240 * DAY);
    let old = read(&contents, now).unwrap();
    let without = old.due(now, false).map(|due| due.step);
    assert_eq!(without, Some(Step::Renew), "nobody could be told of a new CA");
    let old_pair = old.pair.clone().unwrap();
    let replaced = old.step(Step::Replace, &wanted(), now).unwrap();
    let new = read(&replaced, now).unwrap();
    assert!(new.has_former_cas());
    for pair in [&old_pair, new.pair.as_ref().unwrap()] {
        pair.trusted_by(new.bundle().as_bytes(), &wanted().dialled, now)
            .unwrap();
    }
    assert!(
        new.pair
            .as_ref()
            .unwrap()
            .trusted_by(old.bundle().as_bytes(), &wanted().dialled, now)
            .is_err()
    );

    assert_eq!(step_at(&replaced, old_pair.not_after - 1), None);
    let now = old_pair.not_after;
    assert_eq!(step_at(&replaced, now), Some(Step::Forget));
    let alone = new.step(Step::Forget, &wanted(), now).unwrap();
    let alone = read(&alone, now).unwrap();
    assert!(!alone.has_former_cas());
    assert_eq!(alone.ca(), new.ca());
    assert_eq!(alone.due(now, true), None);
}

#[test]
fn a_certificate_never_outlives_its_ca() {
    let mut wanted = wanted();
    wanted.ca_life = 30 * DAY;
    let contents = replace(&wanted, NOW, &[], 0).unwrap();
    assert_eq!(read(&contents, NOW).unwrap().pair.unwrap().not_after, NOW + 30 * DAY);
}

#[test]
fn bundles_do_not_grow_without_end() {
    let mut contents = first();
    for _ in 0..20 {
        contents = read(&contents, NOW)
            .unwrap()
            .step(Step::Replace, &wanted(), NOW)
            .unwrap();
    }
    assert_eq!(read(&contents, NOW).unwrap().cas.len(), 1 + FORMER_CAS);
}

#[test]
fn a_damaged_certificate_is_made_anew_under_the_same_ca() {
    let other = first();
    for (key, bytes) in [
        (CERTIFICATE, b"garbage".to_vec()),
        (KEY, Vec::new()),
        (KEY, other.data[KEY].clone()),
        (CERTIFICATE, other.data[CERTIFICATE].clone()),
    ] {
        let mut damaged = first();
        damaged.data.insert(key, bytes);
        let kept = read(&damaged, NOW).unwrap();
        assert_eq!(kept.due(NOW, true).unwrap().step, Step::Renew, "{key}");
        let repaired = kept.step(Step::Renew, &wanted(), NOW).unwrap();
        assert_eq!(read(&repaired, NOW).unwrap().due(NOW, true), None);
    }
    // A pair that fits itself and another CA.
    let mut swapped = first();
    for key in [CERTIFICATE, KEY] {
        swapped.data.insert(key, other.data[key].clone());
    }
    let due = read(&swapped, NOW).unwrap().due(NOW, true).unwrap();
    assert_eq!(due.step, Step::Renew);
    assert!(due.reason.contains("does not fit its CA"), "{}", due.reason);
}

#[test]
fn without_a_ca_that_can_sign_all_is_made_anew() {
    let other = first();
    for (key, bytes) in [
        (CA_BUNDLE, b"garbage".to_vec()),
        (CA_BUNDLE, other.data[CA_BUNDLE].clone()),
        (CA_BUNDLE, other.data[CERTIFICATE].clone()),
        (CA_KEY, vec![0xff, 0xfe]),
        (CA_KEY, other.data[CA_KEY].clone()),
    ] {
        let mut damaged = first();
        damaged.data.insert(key, bytes);
        assert!(read(&damaged, NOW).is_err(), "{key}");
        damaged.data.remove(key);
        let error = read(&damaged, NOW).map(drop).unwrap_err();
        assert!(error.contains(key), "{error}");
        assert!(!error.contains("PRIVATE"), "{error}");
    }
}
