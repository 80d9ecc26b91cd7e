//! The rows as a table for people and as JSON for programs, and what the columns mean.

use anyhow::Result;
use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, Table};
use serde::Serialize;

use crate::measure::Row;
use crate::targets::Target;

const HEADER: [&str; 11] = [
    "operation",
    "implementation",
    "runs",
    "both ms",
    "party 1 ms",
    "party 2 ms",
    "flights",
    "messages",
    "bytes",
    "state bytes",
    "ratio to ours",
];

const NOTES: &str = "\
Medians. Each party's computing alone, one after the other on one thread; no network.
ms: ours and cait-sith take and give bytes, so their encoding is in the time; that of
  dkls23-core, givre and frost-ed25519 is not. Party 1 is the client.
flights: the longest chain of one-way messages, each waiting for the one before. Where both
  parties speak at once, their messages share a flight. cait-sith sends many small messages
  in one flight, counted as it gives them out.
bytes: both directions. Ours and cait-sith (MessagePack) as sent; dkls23-core and givre:
  message structs in postcard; frost-ed25519: its own encoding. Without a transport's framing.
state bytes: what a party keeps while the key lives; party 1 / party 2 where they differ.
  dkls23-core, cait-sith and givre in postcard.
generate, recover, refresh, reshare to backup: ours on both curves, the peers on secp256k1.
  cait-sith's generate sets up no oblivious transfers; each of its triples does.
ratio to ours: both parties' time divided by ours. Above 1: slower than ours.";

/// Prints the rows, and what the columns mean.
pub(crate) fn print(rows: &[Row]) {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header(HEADER);
    table.add_rows(rows.iter().map(cells));
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("{}\n\n{NOTES}", table);
}

fn cells(row: &Row) -> [String; 11] {
    [
        row.operation.to_string(),
        row.implementation.to_owned(),
        row.runs.to_string(),
        format!("{:.3}", row.both_ms),
        format!("{:.3}", row.party_1_ms),
        or_dash(row.party_2_ms.map(|time| format!("{time:.3}"))),
        or_dash(row.flights),
        or_dash(row.messages),
        or_dash(row.bytes.map(thousands)),
        or_dash(row.state_bytes.map(|[one, two]| {
            if one == two {
                thousands(one)
            } else {
                format!("{} / {}", thousands(one), thousands(two))
            }
        })),
        or_dash(row.ratio_to_ours.map(ratio)),
    ]
}

fn ratio(ratio: f64) -> String {
    if ratio < 0.1 {
        format!("{ratio:.4}")
    } else {
        format!("{ratio:.2}")
    }
}

fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

/// Digits in groups of three.
fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// The machine that measured.
#[derive(Serialize)]
struct Machine {
    cpu: String,
    rustc: &'static str,
}

/// Everything, for programs.
///
/// # Errors
///
/// If it cannot be encoded.
pub(crate) fn json(rows: &[Row], targets: &[Target]) -> Result<String> {
    #[derive(Serialize)]
    struct Report<'a> {
        machine: Machine,
        rows: &'a [Row],
        targets: &'a [Target],
    }
    let machine = Machine {
        cpu: cpu_model(),
        rustc: env!("RUSTC_VERSION"),
    };
    let report = Report {
        machine,
        rows,
        targets,
    };
    Ok(serde_json::to_string_pretty(&report)? + "\n")
}

/// The machine in one line.
pub(crate) fn machine() -> String {
    format!("{}, {}", cpu_model(), env!("RUSTC_VERSION"))
}

/// What Linux says of its first processor.
fn cpu_model() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    text.lines()
        .find(|line| line.starts_with("model name"))
        .and_then(|line| line.split_once(':'))
        .map_or_else(|| "unknown".to_owned(), |(_, name)| name.trim().to_owned())
}
