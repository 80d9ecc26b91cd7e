//! Pages of lists.

use std::str::FromStr;

use portal_api::limits::PAGE_ENTRIES;
use portal_api::rest::{Page, PageMetadata, PageQuery};
use portal_lifecycle::ErrorId;
use uuid::Uuid;

use crate::ApiError;

/// A page that was asked for, the question being in order.
pub(crate) struct Wanted<C = Uuid> {
    /// The last entry of the page before.
    pub(crate) after: Option<C>,
    /// How many entries.
    pub(crate) take: u32,
}

impl Wanted {
    pub(crate) fn of(query: &PageQuery) -> Result<Self, ApiError> {
        Self::parse(query.cursor.as_deref(), query.take)
    }
}

impl<C: FromStr> Wanted<C> {
    pub(crate) fn parse(cursor: Option<&str>, take: Option<u32>) -> Result<Self, ApiError> {
        let take = take.unwrap_or(PAGE_ENTRIES);
        if take == 0 || take > PAGE_ENTRIES {
            let what = format!("expected `take` from 1 to {PAGE_ENTRIES}, got {take}");
            return Err(ApiError::new(ErrorId::BadRequest, what));
        }
        let after = cursor.map(str::parse).transpose();
        let after = after.map_err(|_| bad_cursor())?;
        Ok(Self { after, take })
    }

    /// How many entries to read: one more than the page holds tells whether another page follows.
    pub(crate) const fn with_next(&self) -> u32 {
        self.take + 1
    }
}

/// A page as it is answered, of up to [`with_next`](Wanted::with_next) entries; `cursor` names one.
pub(crate) fn page<T>(
    mut results: Vec<T>,
    take: u32,
    total: u64,
    cursor: impl Fn(&T) -> String,
) -> axum::Json<Page<T>> {
    let entries = usize::try_from(take).unwrap_or(usize::MAX);
    let is_last = results.len() <= entries;
    results.truncate(entries);
    let last = results.last().filter(|_| !is_last);
    let metadata = PageMetadata {
        cursor: last.map(cursor),
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
    let wanted = Wanted::of(query)?;
    let total = u64::try_from(all.len()).unwrap_or(u64::MAX);
    let from = match wanted.after {
        None => 0,
        Some(after) => {
            let at = all.iter().position(|entry| id(entry) == after);
            at.ok_or_else(bad_cursor)?.saturating_add(1)
        }
    };
    let read = usize::try_from(wanted.with_next()).unwrap_or(usize::MAX);
    let results: Vec<T> = all.into_iter().skip(from).take(read).collect();
    let cursor = |entry: &T| id(entry).to_string();
    Ok(page(results, wanted.take, total, cursor))
}

fn bad_cursor() -> ApiError {
    ApiError::new(
        ErrorId::BadRequest,
        "expected the `cursor` of a former page of this list",
    )
}

#[cfg(test)]
mod tests {
    use super::page;

    #[test]
    fn only_a_page_that_another_follows_has_a_cursor() {
        let name = |entry: &u8| entry.to_string();
        let answered = |read: &[u8]| {
            let page = page(read.to_vec(), 2, 9, name).0;
            (page.results, page.metadata.cursor)
        };
        assert_eq!(answered(&[]), (vec![], None));
        assert_eq!(answered(&[1]), (vec![1], None));
        assert_eq!(answered(&[1, 2]), (vec![1, 2], None));
        let followed = (vec![1, 2], Some("2".to_owned()));
        assert_eq!(answered(&[1, 2, 3]), followed);
    }
}
