//! The rings: an arrow only ever points inwards.
//!
//! Normal and build dependencies are held; tests may import what they like.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

use crate::root;

/// What each crate may import of ours.
const MAY_IMPORT: [(&str, &[&str]); 12] = [
    // ring 0
    ("portal-lifecycle", &[]),
    ("portal-mpc", &[]),
    ("portal-seal", &[]),
    ("portal-chains", &["portal-lifecycle"]),
    ("portal-api", &["portal-lifecycle"]),
    // ring 1
    ("portal-store", PORT),
    ("portal-keychain", PORT),
    ("portal-backup", PORT),
    // ring 2
    ("portal-serving", &[]),
    (
        "portal-server",
        &[
            "portal-lifecycle",
            "portal-mpc",
            "portal-chains",
            "portal-api",
            "portal-seal",
            "portal-serving",
            "portal-store",
        ],
    ),
    (
        "portal-custodian",
        &[
            "portal-lifecycle",
            "portal-api",
            "portal-mpc",
            "portal-seal",
            "portal-serving",
        ],
    ),
    (
        "portal-sdk",
        &[
            "portal-lifecycle",
            "portal-mpc",
            "portal-chains",
            "portal-api",
            "portal-seal",
            "portal-keychain",
            "portal-backup",
        ],
    ),
];

const PORT: &[&str] = &["portal-lifecycle", "portal-api", "portal-seal"];

/// They may import anything of ours, and nothing imports them.
const OUTERMOST: [&str; 3] = ["portal-cli", "portal-sim", "xtask"];

const RING_0: [&str; 5] = [
    "portal-lifecycle",
    "portal-mpc",
    "portal-chains",
    "portal-api",
    "portal-seal",
];

/// No sockets, databases or timers in what is pure.
const IMPURE: [&str; 5] = ["tokio", "sqlx", "axum", "reqwest", "hyper"];

type Imports = BTreeMap<String, BTreeSet<String>>;

fn metadata() -> Metadata {
    match MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .other_options(vec!["--locked".to_owned(), "--all-features".to_owned()])
        .exec()
    {
        Ok(metadata) => metadata,
        Err(error) => panic!("expected the workspace from cargo metadata, got {error}"),
    }
}

/// The direct dependencies of each package of the workspace, without those of its tests.
fn direct_imports(metadata: &Metadata) -> Imports {
    let imports = |package: &&Package| {
        package
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind != DependencyKind::Development)
            .map(|dependency| dependency.name.clone())
            .collect()
    };
    metadata
        .workspace_packages()
        .iter()
        .map(|package| (package.name.to_string(), imports(package)))
        .collect()
}

/// The direct and indirect dependencies of the package `name`, without those of tests.
fn all_imports(metadata: &Metadata, name: &str) -> BTreeSet<String> {
    let Some(graph) = &metadata.resolve else {
        panic!("expected a dependency graph from cargo metadata, got none");
    };
    let nodes: BTreeMap<_, _> = graph.nodes.iter().map(|node| (&node.id, node)).collect();
    let mut waiting: Vec<_> = metadata
        .workspace_packages()
        .iter()
        .filter(|package| package.name == name)
        .map(|package| &package.id)
        .collect();
    let mut seen = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        if !seen.insert(id) {
            continue;
        }
        let imported = nodes.get(id).into_iter().flat_map(|node| &node.deps);
        waiting.extend(
            imported
                .filter(|dependency| {
                    dependency
                        .dep_kinds
                        .iter()
                        .any(|kind| kind.kind != DependencyKind::Development)
                })
                .map(|dependency| &dependency.pkg),
        );
    }
    metadata
        .packages
        .iter()
        .filter(|package| seen.contains(&package.id) && package.name != name)
        .map(|package| package.name.to_string())
        .collect()
}

/// Each import of ours that `may_import` does not list, with what was expected and seen.
fn strays(may_import: &[(&str, &[&str])], imports: &Imports) -> Vec<String> {
    let ours = |name: &str| imports.contains_key(name);
    let mut strays = Vec::new();
    for (package, imported) in imports {
        let seen: BTreeSet<&str> = imported
            .iter()
            .map(String::as_str)
            .filter(|name| ours(name))
            .collect();
        let expected: BTreeSet<&str> = match may_import.iter().find(|(name, _)| name == package) {
            Some((_, allowed)) => allowed.iter().copied().collect(),
            None if OUTERMOST.contains(&package.as_str()) => imports
                .keys()
                .map(String::as_str)
                .filter(|name| !OUTERMOST.contains(name))
                .collect(),
            None => {
                strays.push(format!(
                    "{package}: expected a row in the table, found none"
                ));
                continue;
            }
        };
        if !seen.is_subset(&expected) {
            strays.push(format!(
                "{package}: expected at most {expected:?}, saw {seen:?}"
            ));
        }
    }
    strays
}

#[test]
fn arrows_point_inwards() {
    let imports = direct_imports(&metadata());
    for (package, _) in MAY_IMPORT {
        assert!(
            imports.contains_key(package),
            "expected the package {package}, saw {:?}",
            imports.keys()
        );
    }
    let strays = strays(&MAY_IMPORT, &imports);
    assert!(strays.is_empty(), "{}", strays.join("\n"));
}

#[test]
fn ring_0_is_pure() {
    let metadata = metadata();
    let mut found = Vec::new();
    for package in RING_0 {
        let imported = all_imports(&metadata, package);
        let impure: Vec<_> = IMPURE
            .into_iter()
            .filter(|name| imported.contains(*name))
            .collect();
        if !impure.is_empty() {
            found.push(format!(
                "{package}: expected none of {IMPURE:?}, saw {impure:?}"
            ));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_server_names_no_database() {
    let imports = direct_imports(&metadata());
    let seen = &imports["portal-server"];
    assert!(
        !seen.contains("sqlx"),
        "portal-server: expected no sqlx, saw {seen:?}"
    );
}

#[test]
fn what_the_table_forbids_is_seen() {
    let imports = |rows: &[(&str, &[&str])]| -> Imports {
        rows.iter()
            .map(|(package, imported)| {
                let imported = imported.iter().map(|name| (*name).to_owned()).collect();
                ((*package).to_owned(), imported)
            })
            .collect()
    };
    let table: [(&str, &[&str]); 2] = [("inner", &[]), ("outer", &["inner"])];
    let cases: [(&str, Imports, usize); 5] = [
        (
            "inwards, and whatever is not ours",
            imports(&[("inner", &["serde"]), ("outer", &["inner", "tokio"])]),
            0,
        ),
        (
            "outwards",
            imports(&[("inner", &["outer"]), ("outer", &[])]),
            1,
        ),
        ("a package without a row", imports(&[("stranger", &[])]), 1),
        (
            "an outermost package imports anything of ours",
            imports(&[("inner", &[]), ("xtask", &["inner"])]),
            0,
        ),
        (
            "and is imported by none, not even by another",
            imports(&[
                ("outer", &["portal-cli"]),
                ("xtask", &["portal-cli"]),
                ("portal-cli", &[]),
            ]),
            2,
        ),
    ];
    for (what, imports, expected) in cases {
        let seen = strays(&table, &imports);
        assert_eq!(seen.len(), expected, "{what}: saw {seen:?}");
    }
}

/// The graph is really walked: what these crates are known to reach is found.
#[test]
fn indirect_imports_are_seen() {
    let metadata = metadata();
    let imported = all_imports(&metadata, "portal-server");
    for name in ["portal-store", "sqlx", "sqlx-core", "tokio"] {
        assert!(imported.contains(name), "expected {name}, saw {imported:?}");
    }
    let lifecycle = all_imports(&metadata, "portal-lifecycle");
    assert!(
        lifecycle.contains("serde") && !lifecycle.contains("proptest"),
        "expected serde and nothing that only tests import, saw {lifecycle:?}"
    );
}
