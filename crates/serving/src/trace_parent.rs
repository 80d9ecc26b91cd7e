//! Where a request stands in a trace ([W3C Trace Context](https://www.w3.org/TR/trace-context/)):
//! taken from a caller, given to the spans of this process, and passed on.

use std::cell::Cell;

use axum::http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The header that names a caller's span.
pub const TRACEPARENT_HEADER: &str = "traceparent";

thread_local! {
    static WANTED: Cell<Option<u128>> = const { Cell::new(None) };
}

/// A span that others may know (§3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    trace_id: u128,
    span_id: u64,
    flags: u8,
}

impl TraceParent {
    /// The caller's, if its headers name one, and one alone.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let mut named = headers.get_all(TRACEPARENT_HEADER).iter();
        let (named, None) = (named.next()?, named.next()) else {
            return None;
        };
        Self::parse(named.to_str().ok()?)
    }

    /// That of `span`, if it is recorded.
    #[must_use]
    pub fn recorded(span: &Span) -> Option<Self> {
        let context = span.context();
        let span = context.span();
        let span = span.span_context();
        span.is_valid().then(|| Self {
            trace_id: u128::from_be_bytes(span.trace_id().to_bytes()),
            span_id: u64::from_be_bytes(span.span_id().to_bytes()),
            flags: span.trace_flags().to_u8(),
        })
    }

    /// The trace.
    #[must_use]
    pub const fn trace_id(&self) -> u128 {
        self.trace_id
    }

    /// The header's value.
    #[must_use]
    pub fn value(&self) -> String {
        let Self {
            trace_id,
            span_id,
            flags,
        } = self;
        format!("00-{trace_id:032x}-{span_id:016x}-{flags:02x}")
    }

    /// A later version may have more after the same fields.
    fn parse(text: &str) -> Option<Self> {
        let mut fields = text.splitn(5, '-');
        let mut hex = |digits: usize| {
            let field = fields.next()?;
            let is_lower_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            let is_field = field.len() == digits && field.bytes().all(is_lower_hex);
            u128::from_str_radix(field, 16).ok().filter(|_| is_field)
        };
        let (version, trace_id, span_id, flags) = (hex(2)?, hex(32)?, hex(16)?, hex(2)?);
        let has_more = fields.next().is_some();
        if version == 0xff || (version == 0 && has_more) || trace_id == 0 || span_id == 0 {
            return None;
        }
        Some(Self {
            trace_id,
            span_id: u64::try_from(span_id).ok()?,
            flags: u8::try_from(flags).ok()?,
        })
    }
}

/// Begins a trace at `span`, or goes on with the caller's: without a caller its trace id is
/// `trace_id`, so that what is recorded is found by what the logs say. Where no spans are recorded
/// this does nothing.
pub fn begin_trace(span: &Span, trace_id: u128, caller: Option<TraceParent>) {
    let context = caller.map_or_else(Context::new, |caller| {
        let caller = SpanContext::new(
            TraceId::from_bytes(caller.trace_id.to_be_bytes()),
            SpanId::from_bytes(caller.span_id.to_be_bytes()),
            TraceFlags::new(caller.flags),
            true,
            Default::default(),
        );
        Context::new().with_remote_span_context(caller)
    });
    if span.set_parent(context).is_err() {
        return;
    }
    WANTED.set(Some(trace_id));
    // It gets its ids here, and not when it is first entered.
    let _ = span.context();
    WANTED.set(None);
}

/// What a trace that begins now on this thread is called, if [`begin_trace`] says so. For whoever
/// draws trace ids.
#[must_use]
pub fn wanted_trace_id() -> Option<u128> {
    WANTED.get()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;

    use super::{TRACEPARENT_HEADER, TraceParent};

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_callers_span_is_taken_and_passed_on_as_it_came() {
        let parsed = TraceParent::parse(GOOD).unwrap();
        assert_eq!(parsed.value(), GOOD);
        assert_eq!(parsed.trace_id(), 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c);
        // A later version's further fields are left out (§4.3).
        let later = TraceParent::parse(&GOOD.replacen("00", "01", 1).replace("-01", "-01-what"));
        assert_eq!(later, Some(parsed));
    }

    #[test]
    fn what_is_no_span_is_not_taken() {
        for (what, text) in [
            ("empty", String::new()),
            ("version ff", GOOD.replacen("00", "ff", 1)),
            ("more in version 0", format!("{GOOD}-01")),
            ("capitals", GOOD.to_uppercase()),
            ("no trace", format!("00-{:032}-b7ad6b7169203331-01", 0)),
            (
                "no span",
                format!("00-0af7651916cd43dd8448eb211c80319c-{:016}-01", 0),
            ),
            ("a sign", GOOD.replacen("0af7", "+af7", 1)),
            ("short", GOOD.replacen("0af7", "af7", 1)),
            ("no flags", GOOD.trim_end_matches("-01").to_owned()),
        ] {
            assert_eq!(TraceParent::parse(&text), None, "{what}: {text:?}");
        }
        let mut twice = HeaderMap::new();
        twice.append(TRACEPARENT_HEADER, GOOD.parse().unwrap());
        assert!(TraceParent::of(&twice).is_some());
        twice.append(TRACEPARENT_HEADER, GOOD.parse().unwrap());
        assert_eq!(TraceParent::of(&twice), None, "two of them");
    }
}
