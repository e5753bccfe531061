-- Queues by kind of work, and a fence against workers that come back from the dead.
SELECT 1;
