-- Windows that were closed before their time: by the app's backend, or by the device that was done.
CREATE TABLE recovery_close (
    window_seq   BIGINT NOT NULL PRIMARY KEY REFERENCES recovery_window (seq),
    closed_at_ms BIGINT NOT NULL
);

CREATE TRIGGER recovery_close_never_changed BEFORE UPDATE OR DELETE ON recovery_close
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER recovery_close_never_emptied BEFORE TRUNCATE ON recovery_close
    EXECUTE FUNCTION refuse_change();
