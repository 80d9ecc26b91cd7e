//! A request's body, which must arrive in time.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::BoxError;
use axum::body::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};

/// The body of a request did not arrive in the time that was allowed for all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body did not arrive within {} s", allowed.as_secs_f64())]
pub struct BodyTooSlow {
    /// The time for all of it.
    pub allowed: Duration,
}

/// A body with a deadline. A peer that sends a byte now and then does not put it off.
pub(crate) struct Timely {
    body: Incoming,
    allowed: Duration,
    deadline: Instant,
    /// Made where there is something to wait for; most bodies come with their head.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Timely {
    pub(crate) fn new(body: Incoming, allowed: Duration) -> Self {
        Self {
            body,
            allowed,
            deadline: Instant::now() + allowed,
            alarm: None,
        }
    }
}

impl Body for Timely {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        if Instant::now() < this.deadline {
            if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
                return Poll::Ready(frame.map(|frame| frame.map_err(BoxError::from)));
            }
            let deadline = this.deadline;
            let alarm = this
                .alarm
                .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
            if alarm.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
        let allowed = this.allowed;
        Poll::Ready(Some(Err(Box::new(BodyTooSlow { allowed }))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
