//! A connection that was let in: it holds its place for as long as anybody holds it, also as a
//! WebSocket, and ends where its peer does nothing for too long.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_io_timeout::TimeoutStream;

use crate::gate::Place;
use crate::metrics::OpenConnection;

pub(crate) struct Admitted<S> {
    io: Pin<Box<TimeoutStream<S>>>,
    _place: Place,
    _counted: Option<OpenConnection>,
}

impl<S: AsyncRead + AsyncWrite> Admitted<S> {
    pub(crate) fn new(
        io: S,
        place: Place,
        stall_timeout: Duration,
        counted: Option<OpenConnection>,
    ) -> Self {
        let mut io = TimeoutStream::new(io);
        io.set_read_timeout(Some(stall_timeout));
        io.set_write_timeout(Some(stall_timeout));
        Self {
            io: Box::pin(io),
            _place: place,
            _counted: counted,
        }
    }
}

impl<S: AsyncRead + AsyncWrite> AsyncRead for Admitted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.io.as_mut().poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite> AsyncWrite for Admitted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.io.as_mut().poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.as_mut().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.as_mut().poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.io.as_mut().poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}
