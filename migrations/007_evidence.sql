-- How far each copy of the audit log outside the database has got.
SELECT 1;
