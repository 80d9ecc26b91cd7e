//! The table at the end.

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, Table};
use portal_sdk::Report;
use serde_json::{Value, json};

use crate::command::wallet::report;
use crate::output::Output;

/// One operation of the walk.
pub(super) struct Row {
    pub(super) operation: &'static str,
    pub(super) report: Report,
}

pub(super) fn print(rows: &[Row], output: Output) {
    if output.is_json() {
        let rows: Vec<Value> = rows
            .iter()
            .map(|row| json!({ "operation": row.operation, "report": report(&row.report) }))
            .collect();
        output.result("", &json!({ "operations": rows }));
        return;
    }
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY).set_header([
        "operation",
        "statuses passed",
        "client ms",
        "server ms",
        "wire ms",
        "bytes",
    ]);
    for Row { operation, report } in rows {
        let ms = |time: std::time::Duration| format!("{:.1}", time.as_secs_f64() * 1_000.0);
        table.add_row([
            (*operation).to_owned(),
            report.statuses.join("\n"),
            ms(report.client),
            ms(report.server),
            ms(report.wire),
            (report.sent_bytes + report.received_bytes).to_string(),
        ]);
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    output.say(format!("\n{table}"));
}
