//! Pages of lists.

use portal_api::limits::PAGE_ENTRIES;
use portal_api::rest::{Page, PageMetadata, PageQuery};
use portal_lifecycle::ErrorId;
use uuid::Uuid;

use crate::ApiError;

/// A page that was asked for, the question being in order.
pub(crate) struct Wanted {
    /// The last entry of the page before.
    pub(crate) after: Option<Uuid>,
    /// How many entries.
    pub(crate) take: u32,
}

impl Wanted {
    pub(crate) fn of(query: &PageQuery) -> Result<Self, ApiError> {
        let take = query.take.unwrap_or(PAGE_ENTRIES);
        if take == 0 || take > PAGE_ENTRIES {
            let what = format!("expected `take` from 1 to {PAGE_ENTRIES}, got {take}");
            return Err(ApiError::new(ErrorId::BadRequest, what));
        }
        let after = match query.cursor.as_deref().map(Uuid::parse_str) {
            None => None,
            Some(Ok(id)) => Some(id),
            Some(Err(_)) => return Err(bad_cursor()),
        };
        Ok(Self { after, take })
    }
}

/// A page as it is answered; `last` is the id of its last entry.
pub(crate) fn page<T>(
    results: Vec<T>,
    last: Option<Uuid>,
    take: u32,
    total: u64,
) -> axum::Json<Page<T>> {
    let is_full = u32::try_from(results.len()).is_ok_and(|entries| entries == take);
    let cursor = last.filter(|_| is_full).map(|last| last.to_string());
    let metadata = PageMetadata {
        cursor,
        take,
        total,
    };
    axum::Json(Page { results, metadata })
}

/// A page of a list that is here as a whole.
pub(crate) fn page_of<T>(
    all: Vec<T>,
    query: &PageQuery,
    id: impl Fn(&T) -> Uuid,
) -> Result<axum::Json<Page<T>>, ApiError> {
    let Wanted { after, take } = Wanted::of(query)?;
    let total = u64::try_from(all.len()).unwrap_or(u64::MAX);
    let from = match after {
        None => 0,
        Some(after) => {
            let at = all.iter().position(|entry| id(entry) == after);
            at.ok_or_else(bad_cursor)?.saturating_add(1)
        }
    };
    let take_entries = usize::try_from(take).unwrap_or(usize::MAX);
    let results: Vec<T> = all.into_iter().skip(from).take(take_entries).collect();
    let last = results.last().map(id);
    Ok(page(results, last, take, total))
}

fn bad_cursor() -> ApiError {
    ApiError::new(
        ErrorId::BadRequest,
        "expected the `cursor` of a former page of this list",
    )
}
