//! Rebuilds when a migration is added: the compiler sees only changes to those it knows.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
