-- Which columns the seal of a share binds: 1 client, pair, wallet and curve; 2 also generation,
-- digest and delivery_digest. The version is itself a part of what is bound.
ALTER TABLE backup_share ADD COLUMN seal_version INTEGER NOT NULL DEFAULT 1
    CHECK (seal_version IN (1, 2));
