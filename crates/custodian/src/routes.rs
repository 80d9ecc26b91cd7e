//! What each route does.

pub(crate) mod app;
pub(crate) mod approve;
pub(crate) mod health;
pub(crate) mod sealed;
pub(crate) mod webhook;
