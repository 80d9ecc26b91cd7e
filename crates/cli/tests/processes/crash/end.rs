//! After the last kill: every wallet signs, and every completed backup recovers.

use super::attempt::insist;
use super::finding::Finding;
use super::tally::Tally;
use super::user::{Operation, User};
use crate::installation::Installation;

/// Wallets that are looked at side by side.
const AT_ONCE: usize = 4;

pub(super) fn check_at_the_end(installation: &Installation, users: &mut [User], tally: &mut Tally) {
    tally.wallets = users.iter().filter(|user| user.addresses.is_some()).count();
    let backed_up = || users.iter().filter(|user| user.is_backed_up);
    tally.recovered = backed_up().count();
    tally.recovered_sealed = backed_up().filter(|user| user.is_sealed).count();
    let each = users.len().div_ceil(AT_ONCE).max(1);
    let checked: Vec<_> = std::thread::scope(|scope| {
        let check = |users: &mut [User]| -> Vec<_> {
            users
                .iter_mut()
                .map(|user| check(installation, user))
                .collect()
        };
        let threads: Vec<_> = users
            .chunks_mut(each)
            .map(|users| scope.spawn(move || check(users)))
            .collect();
        let joined = threads.into_iter().map(|thread| thread.join().unwrap());
        joined.flatten().collect()
    });
    checked.into_iter().for_each(|checked| tally.add(checked));
}

fn check(installation: &Installation, user: &mut User) -> Result<usize, Finding> {
    if user.addresses.is_none() {
        return Ok(0);
    }
    let device = user.device();
    let mut retries = user.look(installation, &device)?;
    retries += user.must_sign(installation, &device)?;
    if !user.is_backed_up {
        return Ok(retries);
    }
    user.log_in(installation);
    let (device, arguments) = user.command(Operation::Recover);
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let (recovered, again) = insist(installation, &device, &arguments);
    let recovered = recovered.map_err(|refused| {
        let what = format!("{}: its backup does not recover: {refused:?}", user.client);
        Finding::Lost(what)
    })?;
    user.note(Operation::Recover, &recovered)?;
    Ok(retries + again + user.must_sign(installation, &device)?)
}
