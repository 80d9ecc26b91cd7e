-- Which request put it there: whoever calls the custodian for it later does so under that
-- request's trace id. What was put in before has none.
ALTER TABLE outbox ADD COLUMN trace_id UUID;
ALTER TABLE custodian_notices ADD COLUMN trace_id UUID;

DROP VIEW deliveries;
CREATE VIEW deliveries AS
SELECT o.client_id, c.environment_id, w.secp256k1_wallet_id, w.ed25519_wallet_id,
    o.secp256k1_pair_id, o.ed25519_pair_id, p.generation, p.method,
    o.sealed_secp256k1_share, o.sealed_ed25519_share, o.secp256k1_sealed_blind,
    o.ed25519_sealed_blind, o.attempts, o.due_at, o.trace_id
FROM outbox AS o
JOIN backup_share_pairs AS p ON p.pair_id = o.secp256k1_pair_id
JOIN wallets AS w ON w.client_id = o.client_id
JOIN clients AS c ON c.client_id = o.client_id;
