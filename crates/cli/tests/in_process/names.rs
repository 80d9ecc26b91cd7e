//! Names that lead where a test has them lead.

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use portal_server::Resolver;

/// Every name leads to the first of these, the next time to the next; to the last one for ever.
pub(crate) struct Names {
    leads_to: Mutex<VecDeque<Vec<IpAddr>>>,
    asked: AtomicUsize,
}

impl Names {
    pub(crate) fn leading_to(turns: &[&[&str]]) -> Self {
        let names = Self {
            leads_to: Mutex::default(),
            asked: AtomicUsize::new(0),
        };
        names.lead_to(turns);
        names
    }

    pub(crate) fn lead_to(&self, turns: &[&[&str]]) {
        let turn = |addresses: &&[&str]| {
            let parsed = addresses
                .iter()
                .map(|text| text.parse().expect("an address"));
            parsed.collect()
        };
        *self.leads_to.lock().expect("no panic") = turns.iter().map(turn).collect();
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Resolver for Names {
    async fn resolve(&self, _name: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut turns = self.leads_to.lock().expect("no panic");
        if turns.len() > 1 {
            return Ok(turns.pop_front().unwrap_or_default());
        }
        turns
            .front()
            .cloned()
            .ok_or_else(|| io::Error::other("no such name"))
    }
}
