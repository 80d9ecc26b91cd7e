//! Ids in paths that are none: an answer as for ids that nobody has, and as a problem.

use crate::described::operations;
use crate::strangers::{Holder, NOBODY, call, has_parameters, path, security};
use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_id_names_nothing_on_every_route() {
    let world = World::start().await;
    let user = world.user().await;
    let too_long = "a".repeat(8_000);
    let mut walked = 0;
    for operation in operations().into_iter().filter(has_parameters) {
        let credential = match security(&operation).holder {
            Some(Holder::Custodian) => Some(world.customer.api_key.as_str()),
            Some(Holder::Client) => Some(user.token.as_str()),
            None => None,
        };
        // `%FF` is no text at all.
        for odd in ["%FF", "..%2F..", too_long.as_str(), NOBODY] {
            let path = path(&operation, |_| odd.to_owned());
            let seen = call(&world, &operation, &path, credential).await;
            let when = format!("{} {} with {odd:.40}", operation.method, operation.path);
            assert_eq!(
                (seen.status, seen.media_type.as_str(), seen.id().as_str()),
                (404, "application/problem+json", "NOT_FOUND"),
                "{when}: {seen:?}"
            );
            walked += 1;
        }
    }
    assert!(walked > 60, "expected every templated route, seen {walked}");
}
