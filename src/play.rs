//! The server of `raygate play`: a page with its scripts, on the loopback address of this machine, and the answers to what
//! the page asks. It is no webhook and knows no cluster.
//!
//! Other sites that a browser shows cannot use it. A request must name this server in `Host`, so that no other name can
//! lead here. A question needs the token of this start, which only the page has, and must not come from another origin.

mod assets;
mod door;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Mutex;

use door::Door;

/// The most bytes of one question: the texts of all editors, as JSON.
pub const MOST: usize = 16 << 20;

/// What answers the questions of the page.
pub trait Oracle: Send + Sync + 'static {
    /// Answers a question of this name.
    ///
    /// # Errors
    /// [`Wrong`] if there is no such question, or its input cannot be used.
    fn ask(&self, question: &str, input: &Value) -> Result<Value, Wrong>;
}

/// Why a question has no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Wrong {
    /// There is no such question.
    #[error("there is no such question")]
    Unknown,
    /// Its input cannot be used; the text says why.
    #[error("{0}")]
    Input(String),
}

/// A page that is about to be served.
#[derive(Debug)]
pub struct Page {
    listener: TcpListener,
    address: SocketAddr,
}

impl Page {
    /// Listens on the loopback address, on this port or, for 0, on a free one.
    ///
    /// # Errors
    /// What the operating system says, as where the port is in use.
    pub async fn bind(port: u16) -> io::Result<Page> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        Ok(Page { listener, address })
    }

    /// The address to open.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Serves until `end`.
    ///
    /// # Errors
    /// If the system has no random bytes, or the listener fails.
    pub async fn serve(
        self,
        oracle: Arc<dyn Oracle>,
        end: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let door = Arc::new(Door::new(self.address.port())?);
        let shared = Arc::new(Shared {
            door: Arc::clone(&door),
            oracle,
            turn: Mutex::new(()),
        });
        let router = Router::new()
            .route("/", get(index))
            .route("/{file}", get(file))
            .route("/api/{*question}", post(ask))
            .layer(DefaultBodyLimit::max(MOST))
            .layer(middleware::from_fn_with_state(door, door::keep))
            .with_state(shared);
        axum::serve(self.listener, router).with_graceful_shutdown(end).await
    }
}

struct Shared {
    door: Arc<Door>,
    oracle: Arc<dyn Oracle>,
    /// One question is answered at a time: a page that asks while somebody types must not take the whole machine.
    turn: Mutex<()>,
}

async fn index(State(shared): State<Arc<Shared>>) -> Response {
    match shared.door.page(assets::INDEX) {
        Ok((page, policy)) => {
            let mut response = typed("text/html; charset=utf-8", page.into_bytes().into());
            response.headers_mut().insert(door::POLICY, policy);
            response
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn file(Path(name): Path<String>) -> Response {
    match assets::file(&name) {
        Some((kind, text)) => typed(kind, Bytes::from_static(text.as_bytes())),
        None => (StatusCode::NOT_FOUND, "there is no such file\n").into_response(),
    }
}

fn typed(kind: &'static str, body: Bytes) -> Response {
    let mut response = body.into_response();
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

async fn ask(State(shared): State<Arc<Shared>>, Path(question): Path<String>, body: Bytes) -> Response {
    let input: Value = match serde_json::from_slice(&body) {
        Ok(input) => input,
        Err(error) => return refused(StatusCode::BAD_REQUEST, &format!("the question is not JSON: {error}")),
    };
    let _turn = shared.turn.lock().await;
    let oracle = Arc::clone(&shared.oracle);
    match tokio::task::spawn_blocking(move || oracle.ask(&question, &input)).await {
        Ok(Ok(answer)) => json(StatusCode::OK, &answer),
        Ok(Err(wrong @ Wrong::Unknown)) => refused(StatusCode::NOT_FOUND, &wrong.to_string()),
        Ok(Err(wrong)) => refused(StatusCode::UNPROCESSABLE_ENTITY, &wrong.to_string()),
        Err(_) => refused(
            StatusCode::INTERNAL_SERVER_ERROR,
            "this is a defect of raygate, please report it",
        ),
    }
}

fn refused(status: StatusCode, why: &str) -> Response {
    json(status, &json!({"error": why}))
}

fn json(status: StatusCode, body: &Value) -> Response {
    let mut response = typed("application/json", body.to_string().into_bytes().into());
    *response.status_mut() = status;
    response
}
