//! Bodies as they arrive: whole, in pieces, too large, too many.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Frame, SizeHint};
use tokio::sync::Semaphore;

use super::super::fair::origin;
use super::*;

/// What comes after the last piece.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Complete,
    Silence,
    Reset,
}

/// A body of these pieces, with or without a declared length.
struct Pieces {
    pieces: VecDeque<Bytes>,
    declared: Option<u64>,
    end: End,
}

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        match (self.pieces.pop_front(), self.end) {
            (Some(piece), _) => Poll::Ready(Some(Ok(Frame::data(piece)))),
            (None, End::Complete) => Poll::Ready(None),
            (None, End::Silence) => Poll::Pending,
            (None, End::Reset) => Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into()))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty() && self.end == End::Complete
    }

    fn size_hint(&self) -> SizeHint {
        self.declared.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

fn ending(sizes: &[usize], declared: Option<u64>, end: End) -> Body {
    let pieces = sizes.iter().map(|size| Bytes::from(vec![b'x'; *size])).collect();
    Body::new(Pieces { pieces, declared, end })
}

fn pieces(sizes: &[usize], declared: Option<u64>) -> Body {
    ending(sizes, declared, End::Complete)
}

fn limits() -> Limits {
    Limits {
        body_bytes: 10_000,
        small_body_bytes: 1000,
        bodies_bytes: 16 * UNIT_BYTES,
        ..Limits::default()
    }
}

/// The share of a client without the free one.
fn paid(memory: &Arc<Shares>) -> Share {
    Share::of(None, memory, origin(1))
}

async fn get(body: Body, memory: &Arc<Shares>) -> Result<Whole, BodyError> {
    get_from(body, memory, 1).await
}

async fn get_from(body: Body, memory: &Arc<Shares>, nth: u8) -> Result<Whole, BodyError> {
    let free = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
    get_with(body, Share::of(Some(free), memory, origin(nth))).await
}

async fn get_with(mut body: Body, share: Share) -> Result<Whole, BodyError> {
    read(&mut body, &limits(), share, Duration::from_secs(60)).await
}

#[tokio::test]
async fn one_piece_is_not_copied() {
    let piece = Bytes::from_static(b"review");
    let whole = get(Body::from(piece.clone()), &memory(&limits())).await.unwrap();
    assert_eq!(whole.bytes.as_ptr(), piece.as_ptr());
}

#[tokio::test]
async fn pieces_become_one() {
    for declared in [None, Some(2600)] {
        let memory = memory(&limits());
        let whole = get(pieces(&[500, 0, 600, 1500], declared), &memory).await.unwrap();
        assert_eq!(whole.bytes.len(), 2600);
        assert!(memory.left() < 16, "what exceeds a small body is paid for");
        drop(whole);
        assert_eq!(memory.left(), 16, "and given back");
    }
    assert_eq!(get(Body::empty(), &memory(&limits())).await.unwrap().bytes.len(), 0);
}

#[tokio::test]
async fn the_cap_is_exact_with_and_without_a_declared_length() {
    let memory = memory(&limits());
    for declared in [false, true] {
        let sized = |last: usize| pieces(&[4000, 5000, last], declared.then(|| 9000 + last as u64));
        assert_eq!(get(sized(1000), &memory).await.unwrap().bytes.len(), 10_000);
        assert_eq!(get(sized(1001), &memory).await.unwrap_err(), BodyError::TooLarge);
    }
}

#[test]
fn a_length_that_is_only_declared_costs_no_more_than_a_small_body() {
    let (memory, limits) = (memory(&limits()), limits());
    let mut buffer = Buffer {
        bytes: Vec::new(),
        share: paid(&memory),
    };
    buffer.push(b"{", Some(10_000), &limits).unwrap();
    assert!(buffer.bytes.capacity() <= limits.small_body_bytes);
    assert_eq!(memory.left(), 15);
}

#[tokio::test]
async fn a_body_that_falls_silent_is_given_up_in_time() {
    let mut body = ending(&[100], Some(200), End::Silence);
    let share = paid(&memory(&limits()));
    let slow = read(&mut body, &limits(), share, Duration::from_millis(1)).await;
    assert_eq!(slow.unwrap_err(), BodyError::Slow);
}

#[tokio::test]
async fn many_large_bodies_at_once_are_refused_and_small_ones_are_not() {
    let memory = memory(&limits());
    let mut held = Vec::new();
    let refused = loop {
        match get(pieces(&[1000, 5000], None), &memory).await {
            Ok(whole) => held.push(whole),
            Err(error) => break error,
        }
        assert!(held.len() < 10, "nothing stops large bodies");
    };
    assert_eq!(refused, BodyError::NoMemory);
    assert!(!held.is_empty());
    // Another client has a share left.
    get_from(pieces(&[1000, 3000], None), &memory, 2).await.unwrap();
    get(pieces(&[500, 400], None), &memory).await.unwrap();
    held.clear();
    get(pieces(&[1000, 5000], None), &memory).await.unwrap();
}

#[tokio::test]
async fn a_body_that_breaks_off_is_told_apart() {
    let body = ending(&[100], None, End::Reset);
    assert_eq!(get(body, &memory(&limits())).await.unwrap_err(), BodyError::Broken);
}

/// The second body at a time of one connection, which is an HTTP/2 stream.
#[tokio::test]
async fn without_the_free_share_small_bodies_are_paid_for_too() {
    let memory = memory(&limits());
    for sizes in [&[900][..], &[400, 500]] {
        let mut held = Vec::new();
        let refused = loop {
            match get_with(pieces(sizes, None), paid(&memory)).await {
                Ok(whole) => held.push(whole),
                Err(error) => break error,
            }
            assert!(held.len() <= 16, "nothing stops small bodies");
        };
        assert_eq!(refused, BodyError::NoMemory);
        get(pieces(sizes, None), &memory).await.unwrap();
    }
    assert_eq!(memory.left(), 16);
}

#[tokio::test]
async fn an_answer_pays_for_what_its_body_did_not() {
    let (memory, limits) = (memory(&limits()), limits());
    let mut share = get(pieces(&[900], None), &memory).await.unwrap().share;
    assert!(share.turn_to_answer(1000, &limits));
    assert_eq!(memory.left(), 16, "a small one has the free share of its body");
    assert!(share.turn_to_answer(5000, &limits));
    assert_eq!(memory.left(), 12);
    assert!(!share.turn_to_answer(100_000, &limits));
    assert_eq!(memory.left(), 16);
}
