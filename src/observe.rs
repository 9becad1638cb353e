//! Keeps a file with facts about the cluster up to date: lists and watches, and writes what changed.
//!
//! One task follows each kind: it lists the objects page by page, then watches from there. A watch ends after
//! a limit, and the next one continues: so a kind is known to be up to date every few seconds, and a connection that is
//! dead does not look like a quiet cluster. Of each object only what facts keep is held. The file is written whole, and
//! for the first time once each kind is listed or refused.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kube::Client;
use kube::core::WatchEvent;
use serde_json::Value;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::{Instant, sleep, timeout_at};

use crate::cluster::objects::{self, Pages};
use crate::cluster::{Cause, describe};
use crate::facts::{Builder, Fact, Facts, Node, State, Texts, kept};
use crate::json::Tree;

/// How long a watch lasts. Facts count as recent for a minute.
const WATCH: Duration = Duration::from_secs(20);
/// The file is written again after this time, if nothing changes, because its times have.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Changes within this time are written together.
const TOGETHER: Duration = Duration::from_millis(500);
/// After a failure, and after several.
const SHORTEST_BACKOFF: Duration = Duration::from_secs(1);
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);
/// News that wait to be taken.
const WAITING: usize = 4;
/// A node that is gone or has changed counts as it was for this long too: the agents that write labels and offer devices
/// start anew now and then, and an autoscaler replaces nodes.
const MEMORY: Duration = Duration::from_secs(600);

/// What a task learned of its kind.
#[derive(Debug)]
enum News {
    /// Some of all objects.
    Page {
        /// The objects.
        objects: Vec<Value>,
        /// Whether a list begins with them.
        is_first: bool,
    },
    /// The pages were all objects, as they were at this time.
    Listed(Timestamp),
    /// This object is new, or changed.
    Applied(Value),
    /// This object is gone.
    Deleted(Value),
    /// Everything up to this time is known.
    UpToDate(Timestamp),
    /// The kind may not be read, or is not served: why.
    Refused(String),
}

/// A namespace and a name.
type Name = (String, String);

/// What is held of an object. Thousands of nodes share most of their labels.
#[derive(Clone, Debug, PartialEq)]
enum Object {
    Node(Arc<Node>),
    Other(Value),
}

/// What is known of a kind.
#[derive(Debug, Default)]
struct Known {
    objects: BTreeMap<Name, Object>,
    /// The objects of a list that is not complete yet.
    listed: BTreeMap<Name, Object>,
    /// Nodes as they were until lately, and until when they count.
    past: Vec<(Instant, Arc<Node>)>,
    /// When that was true; `None` before the first list.
    read_at: Option<Timestamp>,
    /// Why nothing is known.
    refused: Option<String>,
}

/// Follows a cluster, and keeps a file with its facts, until it is dropped.
///
/// # Errors
/// If the file cannot be written. A cluster that does not answer is no error: what it said last becomes old.
pub async fn observe(client: &Client, name: &str, file: &Path) -> io::Result<()> {
    let (sender, receiver) = channel(WAITING);
    let tasks: Vec<_> = Fact::ALL
        .into_iter()
        .map(|fact| tokio::spawn(follow(client.clone(), fact, sender.clone())))
        .collect();
    drop(sender);
    let observed = Observed {
        name: name.to_owned(),
        kubernetes: String::new(),
        kinds: BTreeMap::new(),
        texts: Texts::default(),
        digest: String::new(),
        file: file.to_owned(),
    };
    let kept = observed.keep(client, receiver).await;
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
    kept
}

/// What is known of the cluster, and the file that says so.
struct Observed {
    name: String,
    kubernetes: String,
    kinds: BTreeMap<Fact, Known>,
    /// What the nodes share.
    texts: Texts,
    /// The digest of what was written last.
    digest: String,
    file: PathBuf,
}

impl Observed {
    /// Takes the news, and writes the file.
    async fn keep(mut self, client: &Client, mut news: Receiver<(Fact, News)>) -> io::Result<()> {
        let mut due = None;
        loop {
            let until = due.unwrap_or_else(|| Instant::now() + HEARTBEAT);
            match timeout_at(until, news.recv()).await {
                Ok(None) => return Ok(()),
                Ok(Some((fact, news))) => {
                    let is_change = self.take(fact, news);
                    let soon = Instant::now() + if is_change { TOGETHER } else { HEARTBEAT };
                    due = Some(due.map_or(soon, |due: Instant| due.min(soon)));
                }
                Err(_) => {
                    due = None;
                    let is_complete = Fact::ALL.iter().all(|fact| {
                        let known = self.kinds.get(fact);
                        known.is_some_and(|known| known.read_at.is_some() || known.refused.is_some())
                    });
                    if is_complete {
                        if let Ok(Some(version)) = objects::get(client, "/version").await {
                            let version = version.get("gitVersion").and_then(Value::as_str);
                            self.kubernetes = version.unwrap_or_default().to_owned();
                        }
                        self.write()?;
                    }
                }
            }
        }
    }

    /// Takes news, and says whether the facts change with it.
    fn take(&mut self, fact: Fact, news: News) -> bool {
        let texts = &mut self.texts;
        let known = self.kinds.entry(fact).or_default();
        match news {
            News::Page { objects, is_first } => {
                if is_first {
                    known.listed.clear();
                }
                let objects = objects
                    .into_iter()
                    .map(|object| (key(&object), held(fact, object, texts)));
                known.listed.extend(objects);
                false
            }
            News::Listed(read_at) => {
                let before = mem::replace(&mut known.objects, mem::take(&mut known.listed));
                let gone = before
                    .into_iter()
                    .filter(|(name, object)| known.objects.get(name) != Some(object));
                let gone: Vec<Object> = gone.map(|(_, object)| object).collect();
                gone.into_iter().for_each(|object| known.remember(object));
                (known.read_at, known.refused) = (Some(read_at), None);
                true
            }
            News::Applied(object) => {
                let (name, object) = (key(&object), held(fact, object, texts));
                if known.objects.get(&name) == Some(&object) {
                    return false;
                }
                if let Some(before) = known.objects.insert(name, object) {
                    known.remember(before);
                }
                true
            }
            News::Deleted(object) => {
                if let Some(before) = known.objects.remove(&key(&object)) {
                    known.remember(before);
                }
                true
            }
            News::UpToDate(time) => {
                known.read_at = Some(time);
                false
            }
            News::Refused(reason) => {
                *known = Known {
                    refused: Some(reason),
                    ..Known::default()
                };
                true
            }
        }
    }

    fn facts(&self) -> Facts {
        let mut builder = Builder::new(&self.name, &self.kubernetes);
        for (fact, known) in &self.kinds {
            for object in known.objects.values() {
                match object {
                    Object::Node(node) => builder.add_node(Arc::clone(node)),
                    Object::Other(object) => builder.add(*fact, Tree::of(object).unwrap_or_default().root()),
                }
            }
            known
                .past
                .iter()
                .for_each(|(_, node)| builder.add_node(Arc::clone(node)));
            let state = match &known.refused {
                Some(reason) => State::Unknown(reason.clone()),
                None => State::Known {
                    read_at: known.read_at,
                    is_partial: false,
                },
            };
            builder.state(*fact, state);
        }
        builder.finish()
    }

    /// Writes the file beside itself, and puts it in its place.
    fn write(&mut self) -> io::Result<()> {
        let now = Instant::now();
        for known in self.kinds.values_mut() {
            known.past.retain(|(until, _)| *until > now);
        }
        let facts = self.facts();
        self.texts.forget_unused();
        let mut beside = self.file.clone().into_os_string();
        beside.push(".new");
        fs::write(&beside, facts.document().to_string())?;
        fs::rename(&beside, &self.file)?;
        if facts.digest != self.digest {
            let digest = facts.digest.get(..12).unwrap_or(&facts.digest);
            tracing::info!(facts = digest, "the facts about the cluster have changed");
            self.digest = facts.digest;
        }
        Ok(())
    }
}

fn key(object: &Value) -> (String, String) {
    let text = |key: &str| {
        let text = object.get("metadata").and_then(|metadata| metadata.get(key)?.as_str());
        text.unwrap_or_default().to_owned()
    };
    (text("namespace"), text("name"))
}

/// What is held of an object. A node that cannot be read is held whole, so that the facts say so.
fn held(fact: Fact, object: Value, texts: &mut Texts) -> Object {
    let node = match fact {
        Fact::Node => Node::read(Tree::of(&object).unwrap_or_default().root(), texts),
        _ => None,
    };
    node.map_or(Object::Other(object), |node| Object::Node(Arc::new(node)))
}

impl Known {
    /// Counts a node as it was for a while.
    fn remember(&mut self, object: Object) {
        if let Object::Node(node) = object {
            let node = Arc::new(Node::clone(&node).gone());
            let until = Instant::now() + MEMORY;
            match self.past.iter_mut().find(|(_, known)| *known == node) {
                Some(known) => known.0 = until,
                None => self.past.push((until, node)),
            }
        }
    }
}

/// Follows a kind for ever, or until nobody takes the news.
async fn follow(client: Client, fact: Fact, news: Sender<(Fact, News)>) {
    let mut backoff = SHORTEST_BACKOFF;
    let mut reported = String::new();
    while !news.is_closed() {
        let error = match list_and_watch(&client, fact, &news, &mut backoff).await {
            Ok(()) => continue,
            Err(error) => error,
        };
        let cause = Cause::of(&error);
        let reason = describe(&error);
        if cause == Cause::NotFound && fact.is_none_if_unserved() {
            let page = News::Page {
                objects: Vec::new(),
                is_first: true,
            };
            let _ = news.send((fact, page)).await;
            let _ = news.send((fact, News::Listed(Timestamp::now()))).await;
        } else if matches!(cause, Cause::Forbidden | Cause::Unauthorized | Cause::NotFound) {
            let _ = news.send((fact, News::Refused(reason.clone()))).await;
        }
        // Of a fault that lasts, the first line is enough.
        if reported != reason {
            tracing::warn!(
                kind = fact.name(),
                cause = cause.as_str(),
                reason,
                "cannot follow a kind; trying again"
            );
            reported = reason;
        }
        sleep(backoff).await;
        backoff = (backoff * 2).min(LONGEST_BACKOFF);
    }
}

/// Lists a kind, and watches it until the API server no longer knows what has happened since.
async fn list_and_watch(
    client: &Client,
    fact: Fact,
    news: &Sender<(Fact, News)>,
    backoff: &mut Duration,
) -> Result<(), kube::Error> {
    let send = async |what: News| news.send((fact, what)).await.is_ok();
    let read_at = Timestamp::now();
    let mut pages = Pages::of(client, fact.path(), fact.query());
    let mut version = String::new();
    let mut is_first = true;
    while let Some(page) = pages.next().await? {
        let objects = page.items.iter().map(|object| kept(fact, object)).collect();
        if !send(News::Page { objects, is_first }).await {
            return Ok(());
        }
        (version, is_first) = (page.version, false);
    }
    if !send(News::Listed(read_at)).await {
        return Ok(());
    }
    *backoff = SHORTEST_BACKOFF;
    loop {
        let began = Instant::now();
        let mut watch = objects::watch(client, fact.path(), fact.query(), &version, WATCH).await?;
        while let Some(event) = watch.next().await {
            let news = match event? {
                WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                    version = version_of(&object, version);
                    News::Applied(kept(fact, &object))
                }
                WatchEvent::Deleted(object) => {
                    version = version_of(&object, version);
                    News::Deleted(kept(fact, &object))
                }
                WatchEvent::Bookmark(bookmark) => {
                    version = bookmark.metadata.resource_version;
                    News::UpToDate(Timestamp::now())
                }
                // The version is too old: the kind is listed again.
                WatchEvent::Error(status) if status.code == 410 => return Ok(()),
                WatchEvent::Error(status) => return Err(kube::Error::Api(status)),
            };
            if !send(news).await {
                return Ok(());
            }
        }
        if !send(News::UpToDate(Timestamp::now())).await {
            return Ok(());
        }
        // A watch that ends at once must not become a busy loop.
        if began.elapsed() < SHORTEST_BACKOFF {
            sleep(SHORTEST_BACKOFF).await;
        }
    }
}

fn version_of(object: &Value, before: String) -> String {
    let version = object
        .get("metadata")
        .and_then(|metadata| metadata.get("resourceVersion")?.as_str());
    version.map_or(before, str::to_owned)
}
