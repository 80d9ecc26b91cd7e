//! The customer's backend on Postgres, under a role that may insert and nothing more: by the statements
//! of `docs/operations.md`, as they stand there.

use portal_store::conformance::postgres_cluster::Cluster;

use crate::installation::{Installation, Setup, expect_success, portal};
use crate::sealed::{BY_PASSWORD, backed_up};
use crate::signing::{SIGN_EVM, addresses};

const OWNER: &str = "custodian_owner";
const ROLE: &str = "custodian";
const DATABASE: &str = "custodian";
/// The one table that forgets.
const FORGETS: &str = "heard_call";

/// The statements of the page: what a superuser runs, and what the owner runs.
fn of_the_page() -> [&'static str; 2] {
    let page = include_str!("../../../../docs/operations.md");
    let (_, section) = page
        .split_once("\n### A role that may only insert\n")
        .expect("the section");
    let blocks = section.split("\n```sql\n").skip(1);
    let mut blocks = blocks.map(|block| block.split("```").next().unwrap_or_default());
    let found = [blocks.next(), blocks.next()];
    found.map(|block| block.expect("two blocks of SQL"))
}

/// Backup, recovery by another device, and the backup of that one, which releases the first.
fn live(installation: &mut Installation) {
    let client = backed_up(installation, &[]);
    let before = addresses(installation, "phone");
    installation.client("laptop", &["login", "--client", &client]);
    let recover = [&["recover"][..], &BY_PASSWORD].concat();
    let refused = installation.wallet_refusal("laptop", &recover);
    assert_eq!(refused, "RECOVERY_NOT_OPEN");
    installation.recovery("open-recovery", &client);
    // Started anew on what is there.
    installation.stop_custodian();
    installation.start_custodian();
    installation.wallet("laptop", &recover);
    assert_eq!(addresses(installation, "laptop"), before);
    installation.wallet("laptop", &SIGN_EVM);
    installation.wallet("laptop", &[&["backup"][..], &BY_PASSWORD].concat());
    installation.recovery("open-recovery", &client);
    installation.recovery("close-recovery", &client);
}

#[test]
fn a_role_that_may_only_insert_serves_everything() {
    let cluster = Cluster::shared();
    let (owner_url, url) = (
        cluster.url_of(OWNER, DATABASE),
        cluster.url_of(ROLE, DATABASE),
    );
    let [by_superuser, by_owner] = of_the_page();
    cluster
        .run("portal", "postgres", by_superuser)
        .expect("roles");
    let directory = tempfile::tempdir().unwrap();
    let command = |command: &str, url: &str| {
        let mut run = portal(directory.path());
        run.args(["custodian", command, "--database", url]);
        run
    };
    // It makes no schema, and says who does.
    let refused = command("serve", &url).args(["--data", "early"]).output();
    let told = String::from_utf8(refused.unwrap().stderr).unwrap();
    assert!(told.contains("portal custodian migrate"), "{told}");
    let drawn = directory.path().join("early/custodian.key");
    assert!(!drawn.exists(), "nothing is drawn for it yet");
    for _ in 0..2 {
        expect_success(command("migrate", &owner_url));
    }
    cluster.run(OWNER, DATABASE, by_owner).expect("grants");

    let mut installation = Installation::start_with(Setup {
        is_sealed: true,
        custodian_database: Some(url.clone()),
        ..Setup::default()
    });
    live(&mut installation);
    let mut export = portal(installation.root());
    export.args(["custodian", "export-shares", "--all", "-o", "shares.json"]);
    export.args(["--data", "custodian", "--database", &url]);
    let exported = expect_success(export);
    assert_eq!(exported["unreadable"], 0, "{exported}");
    assert_eq!(exported["shares"], 4, "{exported}");
    nothing_else_is_allowed(cluster);
}

/// Not even with a prompt: it is no trigger that says so, but the database.
fn nothing_else_is_allowed(cluster: &Cluster) {
    let listed = "SELECT table_name, column_name FROM information_schema.columns
         WHERE table_schema = 'public' ORDER BY 1, 2";
    let listed = cluster.run(OWNER, DATABASE, listed).expect("columns");
    let columns: Vec<_> = listed
        .lines()
        .filter_map(|line| line.split_once('|'))
        .collect();
    let shares = columns.iter().filter(|(table, _)| *table == "backup_share");
    assert!(shares.count() > 0, "{listed}");
    let mut statements = vec![
        "CREATE TABLE another (n BIGINT)".to_owned(),
        "ALTER TABLE backup_share DISABLE TRIGGER ALL".to_owned(),
        "DROP TRIGGER backup_share_never_changed ON backup_share".to_owned(),
        "ALTER TABLE backup_share OWNER TO custodian".to_owned(),
        "DROP TABLE backup_share".to_owned(),
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql
             AS $$ BEGIN RETURN NULL; END $$"
            .to_owned(),
        "INSERT INTO _sqlx_migrations SELECT * FROM _sqlx_migrations".to_owned(),
    ];
    for (table, column) in columns {
        statements.push(format!("TRUNCATE {table} CASCADE"));
        if (table, column) != (FORGETS, "heard_at_ms") {
            statements.push(format!("UPDATE {table} SET {column} = DEFAULT"));
        }
        if table != FORGETS {
            statements.push(format!("DELETE FROM {table}"));
        }
    }
    for statement in statements {
        let done = cluster.run(ROLE, DATABASE, &format!("{statement};"));
        let refused = done.expect_err(&statement);
        let is_by_right = ["permission denied", "must be owner"];
        assert!(
            is_by_right.iter().any(|said| refused.contains(said)),
            "{statement}: {refused}"
        );
    }
}
