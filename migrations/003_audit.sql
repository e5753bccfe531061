-- The audit log grows: personal data apart, partitions, eras.
SELECT 1;
