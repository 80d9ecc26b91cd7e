-- Rules for what wallets sign, as JSON: for all clients of an environment, and for one client.
ALTER TABLE environments ADD COLUMN signing_policy TEXT;
ALTER TABLE clients ADD COLUMN signing_policy TEXT;
