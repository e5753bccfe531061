-- What model calls may cost: reserved before a call, settled after it.
SELECT 1;
