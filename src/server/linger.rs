//! Ends a connection so that the client reads the last answer.
//!
//! A connection closed while bytes are still arriving is reset, and a reset may overtake an answer that the client has
//! not read yet: it then sees a broken connection instead of a 413, or of the `Connection: close` that would have
//! told it to send its next request elsewhere.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use tokio::time::{Sleep, sleep};

/// A connection that, once its own end is closed, throws away what still arrives until the client has closed too, for
/// a short time at most.
pub(super) struct Lingering<T> {
    io: T,
    patience: Duration,
    until: Option<Pin<Box<Sleep>>>,
}

impl<T> Lingering<T> {
    pub(super) fn new(io: T, patience: Duration) -> Self {
        Self {
            io,
            patience,
            until: None,
        }
    }
}

impl<T: Read + Unpin> Read for Lingering<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<T: Read + Write + Unpin> Write for Lingering<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.until.is_none() {
            ready!(Pin::new(&mut this.io).poll_shutdown(cx))?;
        }
        let until = this.until.get_or_insert_with(|| Box::pin(sleep(this.patience)));
        let mut scratch = [0; 4096];
        while until.as_mut().poll(cx).is_pending() {
            let mut thrown_away = ReadBuf::new(&mut scratch);
            let read = ready!(Pin::new(&mut this.io).poll_read(cx, thrown_away.unfilled()));
            if read.is_err() || thrown_away.filled().is_empty() {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }
}
