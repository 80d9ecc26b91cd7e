//! What every fuzz target does with what it found.

/// Ends the run with the finding.
///
/// # Panics
///
/// If there is one: that is how libFuzzer is told.
pub fn report(finding: Result<(), String>) {
    if let Err(finding) = finding {
        panic!("{finding}");
    }
}
