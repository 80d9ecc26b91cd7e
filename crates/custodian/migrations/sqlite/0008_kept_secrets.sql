-- The secrets that stand beside this database and not in it: a seal of the digest of each, under the
-- key of this database, made when the service was first started with it. The newest of a name counts;
-- a service that has another one, or an older, does not start.
CREATE TABLE kept_secret (
    seq    INTEGER PRIMARY KEY,
    name   TEXT    NOT NULL
        CHECK (name IN ('webhook-secret', 'app-secret', 'sealing-key', 'backend-secret')),
    sealed BLOB    NOT NULL
) STRICT;

CREATE INDEX kept_secret_newest ON kept_secret (name, seq);

CREATE TRIGGER kept_secret_never_updated BEFORE UPDATE ON kept_secret
BEGIN
    SELECT RAISE(ABORT, 'kept_secret is insert-only');
END;

CREATE TRIGGER kept_secret_never_deleted BEFORE DELETE ON kept_secret
BEGIN
    SELECT RAISE(ABORT, 'kept_secret is insert-only');
END;

CREATE TRIGGER kept_secret_never_replaced BEFORE INSERT ON kept_secret
WHEN EXISTS (SELECT 1 FROM kept_secret WHERE seq = NEW.seq)
BEGIN
    SELECT RAISE(ABORT, 'kept_secret is insert-only');
END;
