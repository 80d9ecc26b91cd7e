//! The hash of a line.
//!
//! SHA-256 over fields, each with its length before it (4 bytes, big-endian), so that no two lines
//! read alike: see `docs/audit-log.md`, which custodians verify their lines by. Golden bytes are in
//! `vectors/audit-line-v1.txt`.

use sha2::{Digest as _, Sha256};

use super::{AuditHash, AuditLine};

const TAG: &[u8] = b"portal audit line v1";

pub(super) fn of_line(line: &AuditLine) -> AuditHash {
    let mut hash = Sha256::new();
    let mut field = |bytes: &[u8]| {
        // A length past 4 GiB does not come out of a database.
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        hash.update(length.to_be_bytes());
        hash.update(bytes);
    };
    field(TAG);
    field(&[line.version]);
    field(&line.environment_id.to_bytes());
    field(&line.sequence.to_be_bytes());
    field(&line.previous_hash.0);
    field(&line.at.as_ms().to_be_bytes());
    field(line.actor_kind.as_bytes());
    field(line.actor_id.as_deref().unwrap_or_default().as_bytes());
    field(&line.trace_id.to_bytes());
    match line.client_id {
        Some(client) => field(&client.to_bytes()),
        None => field(&[]),
    }
    field(line.act.as_bytes());
    let details = u32::try_from(line.details.len()).unwrap_or(u32::MAX);
    field(&details.to_be_bytes());
    // In the order of the names' bytes.
    for (name, value) in &line.details {
        field(name.as_bytes());
        field(value.as_bytes());
    }
    AuditHash(hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use portal_lifecycle::ids::{ClientId, EnvironmentId, TraceId};
    use portal_lifecycle::{Curve, Timestamp};
    use uuid::Uuid;

    use super::*;
    use crate::audit::{Actor, AuditAct, Checkpoint, Digest, Origin};

    fn golden() -> BTreeMap<&'static str, &'static str> {
        include_str!("../../../../vectors/audit-line-v1.txt")
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split_once(" = "))
            .collect()
    }

    fn id(text: &str) -> Uuid {
        text.parse().unwrap()
    }

    #[test]
    fn golden_bytes_of_version_1() {
        let golden = golden();
        let client = ClientId(id(golden["client"]));
        let head = Checkpoint {
            sequence: 41,
            hash: golden["previous hash"].parse().unwrap(),
        };
        let act = AuditAct::Signature {
            curve: Curve::Secp256k1,
            pair: portal_lifecycle::ids::SigningSharePairId(id(golden["pairId"])),
            payload: Digest(
                hex::decode(golden["payloadDigest"])
                    .unwrap()
                    .try_into()
                    .unwrap(),
            ),
            chain: None,
            method: None,
            environment_policy: None,
            client_policy: None,
            approval: None,
        };
        let origin = Origin {
            actor: Actor::Client(client),
            trace_id: TraceId(id(golden["trace"])),
        };
        let line = AuditLine::after(
            head,
            EnvironmentId(id(golden["environment"])),
            Some(client),
            &act,
            origin,
            Timestamp::from_ms(golden["at ms"].parse().unwrap()),
        );
        assert_eq!(line.act, golden["act"]);
        assert_eq!(line.hash.to_string(), golden["hash"]);
    }

    #[test]
    fn every_field_is_hashed() {
        let line = AuditLine::after(
            Checkpoint::START,
            EnvironmentId(Uuid::from_u128(1)),
            Some(ClientId(Uuid::from_u128(2))),
            &AuditAct::WalletProved { epoch: 7 },
            Origin {
                actor: Actor::Client(ClientId(Uuid::from_u128(2))),
                trace_id: TraceId(Uuid::from_u128(3)),
            },
            Timestamp::from_ms(4),
        );
        let changed = |change: fn(&mut AuditLine)| {
            let mut other = line.clone();
            change(&mut other);
            other.computed_hash()
        };
        let changes: [fn(&mut AuditLine); 14] = [
            |line| line.version = 2,
            |line| line.environment_id = EnvironmentId(Uuid::from_u128(9)),
            |line| line.sequence = 2,
            |line| line.previous_hash.0[31] = 1,
            |line| line.at = Timestamp::from_ms(5),
            |line| line.actor_kind = "WORKER".to_owned(),
            |line| line.actor_id = None,
            |line| line.trace_id = TraceId(Uuid::from_u128(9)),
            |line| line.client_id = None,
            |line| line.client_id = Some(ClientId(Uuid::from_u128(9))),
            |line| line.act = "SIGNATURE".to_owned(),
            |line| line.details = [("epoch".to_owned(), "8".to_owned())].into(),
            |line| line.details = [("epoch7".to_owned(), String::new())].into(),
            |line| line.details.clear(),
        ];
        let mut hashes = vec![line.computed_hash()];
        for change in changes {
            let hash = changed(change);
            assert!(!hashes.contains(&hash), "two lines hash alike");
            hashes.push(hash);
        }
    }
}
