//! The rules in every state of a small system, and the whole under faults.

mod model;
mod simulation;
