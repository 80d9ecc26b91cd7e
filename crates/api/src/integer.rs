//! Whole numbers as JSON has them, where `60.0` is as good as `60` (JSON Schema 2020-12 §4.2.3).

use serde::{Deserialize, Deserializer, de};
use serde_json::Number;

/// A number of seconds, or the like, that may be left out.
pub(crate) fn optional_u32<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    let number = Option::<Number>::deserialize(from)?;
    let read = |number: Number| whole(&number)?.try_into().ok();
    match number {
        None => Ok(None),
        Some(number) => read(number).map(Some).ok_or_else(expected),
    }
}

/// A count.
pub(crate) fn u64<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    whole(&Number::deserialize(from)?).ok_or_else(expected)
}

fn whole(number: &Number) -> Option<u64> {
    let as_written = || number.to_string().strip_suffix(".0")?.parse().ok();
    number.as_u64().or_else(as_written)
}

fn expected<E: de::Error>() -> E {
    E::custom("expected a whole number in its range")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Body {
        #[serde(default, deserialize_with = "optional_u32")]
        seconds: Option<u32>,
        #[serde(default, deserialize_with = "u64")]
        count: u64,
    }

    #[test]
    fn a_whole_number_is_one_however_it_is_written() {
        for (text, seconds, count) in [
            (r#"{}"#, None, 0),
            (r#"{"seconds":null}"#, None, 0),
            (r#"{"seconds":60,"count":60}"#, Some(60), 60),
            (r#"{"seconds":60.0,"count":60.0}"#, Some(60), 60),
            (r#"{"seconds":6e1,"count":6e1}"#, Some(60), 60),
        ] {
            let body: Body = serde_json::from_str(text).unwrap();
            assert_eq!(body, Body { seconds, count }, "{text}");
        }
        for text in ["-1", "0.5", "1e400", "true", "\"1\"", "4294967296"] {
            let body = format!(r#"{{"seconds":{text}}}"#);
            serde_json::from_str::<Body>(&body).expect_err(text);
        }
        for text in ["-1", "0.5", "null", "18446744073709551616"] {
            let body = format!(r#"{{"count":{text}}}"#);
            serde_json::from_str::<Body>(&body).expect_err(text);
        }
    }
}
