-- While a webhook's secret is replaced, two are in force. A secret from before this is named
-- like its environment.
ALTER TABLE environments ADD COLUMN webhook_version INTEGER NOT NULL DEFAULT 0
    CHECK (webhook_version >= 0);
ALTER TABLE environments ADD COLUMN webhook_secret_id BLOB;
ALTER TABLE environments ADD COLUMN webhook_secret_created_at INTEGER;
ALTER TABLE environments ADD COLUMN sealed_former_webhook_secret BLOB;
ALTER TABLE environments ADD COLUMN former_webhook_secret_id BLOB;
ALTER TABLE environments ADD COLUMN former_webhook_secret_created_at INTEGER;
ALTER TABLE environments ADD COLUMN former_webhook_secret_expires_at INTEGER
    CHECK ((former_webhook_secret_expires_at IS NULL) = (sealed_former_webhook_secret IS NULL));

UPDATE environments
SET webhook_version = 1, webhook_secret_id = environment_id, webhook_secret_created_at = created_at
WHERE webhook_base_url IS NOT NULL;

-- One row for each call of a webhook; never what was in it. Pruned by age and number.
CREATE TABLE webhook_deliveries (
    webhook_delivery_id  BLOB    NOT NULL PRIMARY KEY,
    environment_id       BLOB    NOT NULL REFERENCES environments (environment_id),
    kind                 TEXT    NOT NULL,
    webhook_id           TEXT    NOT NULL,
    client_id            BLOB,
    backup_share_pair_id BLOB,
    outcome              TEXT    NOT NULL,
    status_code          INTEGER CHECK (status_code BETWEEN 0 AND 999),
    latency_ms           INTEGER NOT NULL CHECK (latency_ms >= 0),
    trace_id             BLOB    NOT NULL,
    created_at           INTEGER NOT NULL
) STRICT;

CREATE INDEX webhook_deliveries_by_environment
ON webhook_deliveries (environment_id, webhook_delivery_id);
CREATE INDEX webhook_deliveries_by_creation ON webhook_deliveries (created_at);
