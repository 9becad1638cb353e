//! Client certificates: raygate answers this API server, and nobody else.

use crate::cluster::{API_SERVER, Cluster, rayjobs};
use crate::denial::assert_denied;
use crate::gate::{APPLIED, Gate};
use crate::outage::assert_unreachable;
use crate::process::wait_for;
use crate::rayjobs::{load, with_duplicate_group};

fn flags(cluster: &Cluster, name: &str) -> Vec<String> {
    let ca = cluster.webhook_client_ca().display().to_string();
    ["--client-ca", &ca, "--client-name", name].map(str::to_owned).to_vec()
}

pub(crate) fn the_api_server_is_answered(cluster: &Cluster) {
    let gate = Gate::open_with_flags(cluster, &flags(cluster, API_SERVER));
    let path = format!("{}?dryRun=All", rayjobs());
    let created = cluster.api.post(&path, &load("seed-02")).expect(201);
    assert!(created["metadata"]["annotations"][APPLIED].is_string(), "{created:#}");
    assert_denied(&cluster.api.post(&path, &with_duplicate_group(load("seed-02"))));
    drop(gate);
}

/// The API server of another cluster with the same CA, for example.
pub(crate) fn another_name_is_refused(cluster: &Cluster) {
    let gate = Gate::register_only(cluster, &flags(cluster, "another-api-server"));
    let path = format!("{}?dryRun=All", rayjobs());
    wait_for("raygate to refuse the API server", || {
        let answer = cluster.api.post(&path, &load("seed-02"));
        if answer.code == 500 { Ok(()) } else { Err(answer) }
    });
    assert_unreachable(&cluster.api.post(&path, &load("seed-02")));
    assert_eq!(gate.reviews(), 0);
    assert!(gate.log().contains("a client has no certificate"), "{}", gate.log());
}
