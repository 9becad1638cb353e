//! What is measured: each server with each load that tells something of it.

use std::fmt;

/// Both paths of the webhook.
pub(crate) const ENDPOINTS: [&str; 2] = ["mutate", "validate"];

/// The connections of each load.
pub(crate) const CONNECTIONS: [usize; 3] = [1, 8, 64];

/// The connections of the usual load.
pub(crate) const USUAL: usize = 8;

/// The bodies that are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Bodies {
    /// The ten RayJobs in turn.
    Ten,
    /// The first, grown to 15 KB.
    Kb15,
    /// The first, grown to 40 KB.
    Kb40,
    /// The first, grown to 400 KB.
    Kb400,
    /// The ten as RayClusters, which are none of raygate's business.
    NotOurs,
}

impl fmt::Display for Bodies {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Ten => "the ten",
            Self::Kb15 => "15 KB",
            Self::Kb40 => "40 KB",
            Self::Kb400 => "400 KB",
            Self::NotOurs => "not ours",
        })
    }
}

/// One server under one load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Cell {
    pub(crate) server: &'static str,
    pub(crate) endpoint: &'static str,
    pub(crate) bodies: Bodies,
    pub(crate) connections: usize,
}

impl fmt::Display for Cell {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            server,
            endpoint,
            bodies,
            connections,
        } = self;
        write!(out, "{server} /{endpoint}, {bodies}, {connections} connections")
    }
}

impl Cell {
    /// A server under the load that the targets are about.
    pub(crate) fn usual(server: &'static str, endpoint: &'static str) -> Self {
        Self {
            server,
            endpoint,
            bodies: Bodies::Ten,
            connections: USUAL,
        }
    }

    pub(crate) fn is_usual(&self) -> bool {
        self.bodies == Bodies::Ten && self.connections == USUAL
    }
}

/// All of them; those that are compared stand beside each other, so that little time lies between them.
pub(crate) fn all() -> Vec<Cell> {
    let mut cells = Vec::new();
    for endpoint in ENDPOINTS {
        let mut add = |bodies, connections, servers: &[&'static str]| {
            cells.extend(servers.iter().map(|server| Cell {
                server,
                endpoint,
                bodies,
                connections,
            }));
        };
        add(Bodies::Ten, USUAL, &["null", "parse", "raygate", "raygate-rule", "go"]);
        add(Bodies::Kb15, USUAL, &["parse", "raygate"]);
        add(Bodies::NotOurs, USUAL, &["null", "raygate"]);
        for connections in CONNECTIONS {
            let all = &["null", "parse", "raygate", "go"];
            if connections != USUAL {
                add(Bodies::Ten, connections, all);
            }
            add(Bodies::Kb40, connections, all);
            // The Go webhook compares whole documents for its patch, and takes minutes for one of these.
            add(Bodies::Kb400, connections, &["null", "parse", "raygate"]);
        }
    }
    cells
}
