//! The admission.k8s.io/v1 wire: from the bytes of a review to the bytes of its answer.

/// Which of the two webhooks was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// `/mutate`: completes and repairs the object.
    Mutate,
    /// `/validate`: judges the object.
    Validate,
}

/// The answer to one request, ready for the socket.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status: 200 with a review in the body, or 4xx with a plain sentence.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
    /// What the log line and the metrics say of it.
    pub record: Record,
}

/// What one decision was, for the log and the metrics.
#[derive(Debug, Default)]
pub struct Record {
    /// The request's uid, empty where the body could not be read that far.
    pub uid: String,
    /// `CREATE`, `UPDATE`, `DELETE`, `CONNECT`, or empty.
    pub operation: String,
    /// The namespace of the object.
    pub namespace: String,
    /// The name of the object, or its `generateName`.
    pub name: String,
    /// `allowed`, `mutated`, `denied`, `not-ours`, `malformed`, `overloaded` or `panicked`.
    pub verdict: &'static str,
    /// The codes of the findings that decided, each once, in order.
    pub codes: Vec<&'static str>,
    /// The injectors and fixes that changed something, each once, in order.
    pub injected: Vec<&'static str>,
}

/// Answers admission reviews with the policies it holds.
#[derive(Debug)]
pub struct Gate {}

impl Gate {
    /// Answers one review. Any bytes are legal input.
    pub fn answer(&self, endpoint: Endpoint, body: &[u8]) -> Answer {
        let _ = (endpoint, body);
        Answer {
            status: 400,
            body: Vec::new(),
            record: Record::default(),
        }
    }

    /// The policies in use, in one line.
    pub fn summary(&self) -> String {
        String::new()
    }
}

/// The answer to a review for which there is no room now: 503 for `/mutate`, for `/validate` a review that asks to
/// try again.
pub fn overloaded(endpoint: Endpoint, body: &[u8]) -> Answer {
    let _ = body;
    let status = if endpoint == Endpoint::Mutate { 503 } else { 200 };
    Answer {
        status,
        body: Vec::new(),
        record: Record {
            verdict: "overloaded",
            ..Record::default()
        },
    }
}

/// The answer to a review on which the evaluation panicked: a denial that says it is raygate's defect.
pub fn panicked(endpoint: Endpoint, body: &[u8]) -> Answer {
    let _ = (endpoint, body);
    Answer {
        status: 200,
        body: Vec::new(),
        record: Record {
            verdict: "panicked",
            ..Record::default()
        },
    }
}
