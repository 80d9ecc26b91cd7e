//! Times as RFC 3339 text in UTC.

use portal_lifecycle::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A [`Timestamp`] that travels as RFC 3339 text in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
pub struct Time(pub Timestamp);

impl Time {
    /// RFC 3339 text; `None` past the year 9999, where that format ends.
    #[must_use]
    pub fn to_rfc3339(self) -> Option<String> {
        let nanos = i128::from(self.0.as_ms()).checked_mul(1_000_000)?;
        OffsetDateTime::from_unix_timestamp_nanos(nanos)
            .ok()?
            .format(&Rfc3339)
            .ok()
    }

    /// Reads RFC 3339 text of any offset. What lies before 1970, when nothing of this was, is taken
    /// for its beginning.
    #[must_use]
    pub fn from_rfc3339(text: &str) -> Option<Self> {
        let nanos = OffsetDateTime::parse(text, &Rfc3339)
            .ok()?
            .unix_timestamp_nanos();
        u64::try_from(nanos.max(0).checked_div(1_000_000)?)
            .ok()
            .map(Timestamp::from_ms)
            .map(Self)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self
            .to_rfc3339()
            .ok_or_else(|| ser::Error::custom("time past the year 9999"))?;
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_rfc3339(&text).ok_or_else(|| de::Error::custom("expected an RFC 3339 time"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_from_any_offset_and_none_is_too_early() {
        for (text, ms) in [
            ("1970-01-01T00:00:01Z", Some(1_000)),
            ("1970-01-01T01:00:01.5+01:00", Some(1_500)),
            ("1969-12-31T23:59:59Z", Some(0)),
            ("0017-01-01T00:00:00Z", Some(0)),
            ("1970-01-01", None),
            ("yesterday", None),
        ] {
            let read = Time::from_rfc3339(text).map(|time| time.0.as_ms());
            assert_eq!(read, ms, "{text}");
        }
    }
}
