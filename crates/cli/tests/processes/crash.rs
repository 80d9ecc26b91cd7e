//! Processes killed at random moments, on real databases: no wallet is lost.
//!
//! In each round several end users run an operation at once, each in a process of their own.
//! While they run, one process gets SIGKILL: most often the server, else a device, else the
//! customer's backend. It is started again on what it left, and every operation is run again
//! until it succeeds. After every round each wallet signs. Half of the wallets have sealed backups,
//! half plain ones; one backend keeps both.
//!
//! One seed decides everything but time: `PORTAL_CRASH_SEED` repeats a run's choices,
//! `PORTAL_CRASH_KILLS` says how many rounds there are.

mod attempt;
mod end;
mod finding;
mod ledger;
mod round;
mod tally;
mod user;
mod work;

use portal_store::conformance::postgres_cluster::Cluster;

use round::Rounds;

/// Rounds, where nothing else is asked for.
const KILLS: usize = 50;

#[test]
fn no_wallet_is_lost_by_kills_on_sqlite() {
    run("SQLite", None);
}

#[test]
fn no_wallet_is_lost_by_kills_on_postgres() {
    run("Postgres", Some(Cluster::shared().database()));
}

fn run(engine: &'static str, database: Option<String>) {
    let seed = setting("PORTAL_CRASH_SEED").unwrap_or_else(rand::random);
    let kills = setting("PORTAL_CRASH_KILLS").unwrap_or(KILLS);
    println!("{engine}: PORTAL_CRASH_SEED={seed} PORTAL_CRASH_KILLS={kills}");
    let mut rounds = Rounds::start(engine, database, seed);
    while rounds.tally.kills() < kills && rounds.tally.findings.is_empty() {
        rounds.round();
    }
    let tally = rounds.end();
    println!("{tally}");
    let findings = &tally.findings;
    assert!(findings.is_empty(), "{engine}, seed {seed}: {findings:#?}");
    let plain = tally.recovered - tally.recovered_sealed;
    assert!(
        kills < KILLS || (plain > 0 && tally.recovered_sealed > 0),
        "{engine}, seed {seed}: expected backups of both modes"
    );
}

/// A number from the environment.
fn setting<T: std::str::FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    let number = text.parse().ok();
    Some(number.unwrap_or_else(|| panic!("expected a whole number in {name}, got {text:?}")))
}
