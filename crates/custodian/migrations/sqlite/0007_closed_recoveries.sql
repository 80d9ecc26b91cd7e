-- Windows that were closed before their time: by the app's backend, or by the device that was done.
CREATE TABLE recovery_close (
    window_seq   INTEGER PRIMARY KEY REFERENCES recovery_window (seq),
    closed_at_ms INTEGER NOT NULL
) STRICT;

CREATE TRIGGER recovery_close_never_updated BEFORE UPDATE ON recovery_close
BEGIN
    SELECT RAISE(ABORT, 'recovery_close is insert-only');
END;

CREATE TRIGGER recovery_close_never_deleted BEFORE DELETE ON recovery_close
BEGIN
    SELECT RAISE(ABORT, 'recovery_close is insert-only');
END;

CREATE TRIGGER recovery_close_never_replaced BEFORE INSERT ON recovery_close
WHEN EXISTS (SELECT 1 FROM recovery_close WHERE window_seq = NEW.window_seq)
BEGIN
    SELECT RAISE(ABORT, 'recovery_close is insert-only');
END;
