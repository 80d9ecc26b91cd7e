//! Which problems a route may answer.

use std::collections::BTreeMap;

use portal_lifecycle::ErrorId;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::{RefOr, Response, ResponseBuilder};

/// The extension of a response that lists the ids of its problems.
pub(super) const ERROR_IDS: &str = "x-error-ids";

/// An error, and the status that a route answers it with.
#[derive(Clone, Copy)]
pub(crate) struct Occurrence {
    pub(super) id: ErrorId,
    pub(super) status: u16,
}

impl Occurrence {
    pub(crate) const fn of(id: ErrorId) -> Self {
        Self {
            id,
            status: id.http_status(),
        }
    }

    /// The same under another status.
    pub(crate) const fn at(self, status: u16) -> Self {
        Self { status, ..self }
    }
}

/// Responses that are problems, as an annotation takes them; their documents are added later.
pub(crate) fn named(
    occurrences: impl IntoIterator<Item = Occurrence>,
) -> BTreeMap<String, RefOr<Response>> {
    let mut ids = BTreeMap::<u16, Vec<&str>>::new();
    for occurrence in occurrences {
        ids.entry(occurrence.status)
            .or_default()
            .push(occurrence.id.as_str());
    }
    ids.into_iter()
        .map(|(status, ids)| {
            let listed = ExtensionsBuilder::new().add(ERROR_IDS, ids).build();
            let response = ResponseBuilder::new().extensions(Some(listed)).build();
            (status.to_string(), response.into())
        })
        .collect()
}

/// Names the problems of a route, beyond those that any route may answer:
/// `problems!(Confirming: NotFound, OperationInProgress at 425);`
macro_rules! problems {
    ($name:ident: $($id:ident $(at $status:literal)?),+ $(,)?) => {
        struct $name;

        impl utoipa::IntoResponses for $name {
            fn responses() -> std::collections::BTreeMap<
                String,
                utoipa::openapi::RefOr<utoipa::openapi::Response>,
            > {
                use crate::openapi::{Occurrence, named};
                named([$(Occurrence::of(portal_lifecycle::ErrorId::$id)$(.at($status))?),+])
            }
        }
    };
}
pub(crate) use problems;
