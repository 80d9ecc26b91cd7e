//! How many may be inside.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::ConnectionLimits;

/// Bits of an IPv6 address that a provider gives to one subscriber at least.
const NETWORK: u128 = !0 << 64;

/// Lets so many connections in and no more.
pub(crate) struct Gate {
    places: Arc<Semaphore>,
    of_address: Arc<Mutex<HashMap<IpAddr, usize>>>,
    per_address: usize,
}

/// A connection's place; free again when it is dropped.
pub(crate) struct Place {
    _place: OwnedSemaphorePermit,
    of_address: Arc<Mutex<HashMap<IpAddr, usize>>>,
    address: IpAddr,
}

/// Why a connection is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// All places are taken.
    Everywhere,
    /// This address has taken all that it may.
    Address,
}

impl Gate {
    pub(crate) fn new(limits: &ConnectionLimits) -> Self {
        Self {
            places: Arc::new(Semaphore::new(
                limits.connections.min(Semaphore::MAX_PERMITS),
            )),
            of_address: Arc::default(),
            per_address: limits.connections_per_address,
        }
    }

    pub(crate) fn enter(&self, address: IpAddr) -> Result<Place, Full> {
        let address = network_of(address);
        let place = Arc::clone(&self.places)
            .try_acquire_owned()
            .map_err(|_| Full::Everywhere)?;
        let mut open = lock(&self.of_address);
        let count = open.entry(address).or_default();
        if *count >= self.per_address {
            return Err(Full::Address);
        }
        *count += 1;
        drop(open);
        Ok(Place {
            _place: place,
            of_address: Arc::clone(&self.of_address),
            address,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = lock(&self.of_address);
        if let Some(count) = open.get_mut(&self.address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                // Whoever comes from many addresses leaves nothing behind.
                open.remove(&self.address);
            }
        }
    }
}

fn lock(
    of_address: &Mutex<HashMap<IpAddr, usize>>,
) -> std::sync::MutexGuard<'_, HashMap<IpAddr, usize>> {
    of_address.lock().unwrap_or_else(PoisonError::into_inner)
}

fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & NETWORK).into(),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(connections: usize, connections_per_address: usize) -> Gate {
        Gate::new(&ConnectionLimits {
            connections,
            connections_per_address,
            ..ConnectionLimits::default()
        })
    }

    fn enter(gate: &Gate, address: &str) -> Result<Place, Full> {
        gate.enter(address.parse().unwrap())
    }

    #[test]
    fn one_address_does_not_take_all_places() {
        let gate = gate(3, 2);
        let mut places: Vec<_> = (0..2).map(|_| enter(&gate, "192.0.2.1").ok()).collect();
        assert!(places.iter().all(Option::is_some));
        assert_eq!(enter(&gate, "192.0.2.1").err(), Some(Full::Address));
        // The same, written as IPv6.
        assert_eq!(enter(&gate, "::ffff:192.0.2.1").err(), Some(Full::Address));
        places.push(enter(&gate, "192.0.2.2").ok());
        assert_eq!(enter(&gate, "192.0.2.3").err(), Some(Full::Everywhere));
        places.clear();
        assert!(lock(&gate.of_address).is_empty(), "nothing is left behind");
        assert!(enter(&gate, "192.0.2.1").is_ok());
    }

    #[test]
    fn a_subscriber_with_a_whole_network_is_one_address() {
        let gate = gate(9, 1);
        let _place = enter(&gate, "2001:db8:0:1::1").ok().unwrap();
        assert_eq!(
            enter(&gate, "2001:db8:0:1:ffff::").err(),
            Some(Full::Address)
        );
        assert!(enter(&gate, "2001:db8:0:2::1").is_ok());
    }

    /// A refusal for the address gives the place back.
    #[test]
    fn who_is_refused_holds_no_place() {
        let gate = gate(2, 1);
        let _place = enter(&gate, "192.0.2.1").ok().unwrap();
        for _ in 0..9 {
            assert_eq!(enter(&gate, "192.0.2.1").err(), Some(Full::Address));
        }
        assert!(enter(&gate, "192.0.2.2").is_ok());
    }
}
