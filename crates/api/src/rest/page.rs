//! Pages of lists.

use serde::{Deserialize, Serialize};

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Page<T> {
    /// The entries.
    pub results: Vec<T>,
    /// Where the page lies.
    pub metadata: PageMetadata,
}

/// Where a page lies in its list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PageMetadata {
    /// Give this to read the next page; none after the last.
    pub cursor: Option<String>,
    /// How many entries were asked for.
    pub take: u32,
    /// How many entries the list has.
    pub total: u64,
}

/// Which page of a list to read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    /// The `cursor` of the page before.
    #[cfg_attr(feature = "openapi", param(format = Uuid))]
    pub cursor: Option<String>,
    /// How many entries, 100 at most.
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 100))]
    pub take: Option<u32>,
}
