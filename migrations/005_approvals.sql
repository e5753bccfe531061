-- Approvals by more than one person, in bundles, by delegates and by one-time links.
SELECT 1;
