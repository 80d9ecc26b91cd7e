//! The example that the documentation walks with; the walk itself is a test of the command line.

const EXAMPLE: &str = include_str!("../examples/backend.rs");
const PAGE: &str = include_str!("../../../docs/first-wallet.md");

#[test]
fn the_page_shows_the_example_as_it_is() {
    let block = format!("\n```rust\n{EXAMPLE}```\n");
    assert!(
        PAGE.contains(&block),
        "expected docs/first-wallet.md to hold examples/backend.rs as it is"
    );
}

#[test]
fn mounting_takes_ten_lines() {
    let (_, main) = EXAMPLE.split_once("async fn main()").expect("a main");
    let (body, _) = main.split_once("\n}\n").expect("its end");
    let lines = body.lines().skip(1).count();
    assert!(lines <= 10, "expected ten lines, got {lines}");
}
