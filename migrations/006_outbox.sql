-- The outbox as a state machine that the database itself keeps.
SELECT 1;
