-- The secrets that stand beside this database and not in it: a seal of the digest of each, under the
-- key of this database, made when the service was first started with it. The newest of a name counts;
-- a service that has another one, or an older, does not start.
CREATE TABLE kept_secret (
    seq    BIGINT NOT NULL PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    name   TEXT COLLATE "C" NOT NULL
        CHECK (name IN ('webhook-secret', 'app-secret', 'sealing-key', 'backend-secret')),
    sealed BYTEA  NOT NULL
);

CREATE INDEX kept_secret_newest ON kept_secret (name, seq);

CREATE TRIGGER kept_secret_never_changed BEFORE UPDATE OR DELETE ON kept_secret
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER kept_secret_never_emptied BEFORE TRUNCATE ON kept_secret
    EXECUTE FUNCTION refuse_change();
