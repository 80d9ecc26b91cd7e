//! Logs to standard error, and spans to a collector if there is one.

use anyhow::Context as _;
use opentelemetry_sdk::trace::SdkTracer;
use tracing::Metadata;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{FilterExt as _, Targets, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, fmt};

use crate::args::LogFormat;

/// How the targets of our own crates begin.
const OURS: &str = "portal";

/// Starts logging.
///
/// The level is Portal's own. Libraries never log below `info`: some write whole frames and
/// headers at `trace`, and with them tokens. Portal's spans are there at every level, so that the
/// few lines of `warn` have their trace id too. Of spans that are recorded, the same holds.
pub(crate) fn start(
    level: &str,
    format: LogFormat,
    tracer: Option<SdkTracer>,
) -> anyhow::Result<()> {
    let expected = "expected --log off, error, warn, info, debug or trace";
    let level: LevelFilter = level
        .parse()
        .ok()
        // By its name alone, not by a number.
        .filter(|_| level.starts_with(|first: char| first.is_ascii_lowercase()))
        .with_context(|| format!("{expected}, got {level:?}"))?;
    let filter = Targets::new()
        .with_default(level.min(LevelFilter::INFO))
        .with_target(OURS, level);
    let spans = if level == LevelFilter::OFF {
        LevelFilter::OFF
    } else {
        LevelFilter::INFO
    };
    let is_ours =
        |metadata: &Metadata<'_>| metadata.is_span() && metadata.target().starts_with(OURS);
    let spans = filter_fn(move |metadata| is_ours(metadata) && *metadata.level() <= spans)
        .with_max_level_hint(spans);
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    // Spans alone: a line may say more than a collector of somebody else's should know.
    let recorded =
        filter_fn(move |metadata| is_ours(metadata) && *metadata.level() <= LevelFilter::DEBUG)
            .with_max_level_hint(LevelFilter::DEBUG);
    let recording = tracer.map(|tracer| {
        tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_location(false)
            .with_target(false)
            .with_context_activation(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(recorded)
    });
    tracing_subscriber::registry()
        .with(lines.with_filter(filter.or(spans)))
        .with(recording)
        .init();
    Ok(())
}
